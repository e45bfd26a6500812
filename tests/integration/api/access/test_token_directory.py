"""Tokens in the memory of API processes: never more than a second behind, never guessed."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from itertools import count, pairwise
from typing import Any

import httpx
import pytest

from api.access.auth import KnownToken
from api.access.token_directory import (
    _MOST_REFUSED,
    _SPACING_S,
    MOST_WAITING,
    TokenDirectory,
)
from tests.support.servers.api import SEGMENTS, Api, assert_refused, create_segment, running_api
from tests.support.servers.redis import Server, last_without_s, running_server, wait_until
from tests.support.store.stores import clock_ms, opened
from worker.store import Grant, ListUnknown, NewToken, Store

_TOKENS = "/api/v2/tokens"
NEW = NewToken(name="n", role="reader", created_by="admin")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of the module's own, to be lost."""
    with running_server("valkey", append_only=True) as server:
        yield server


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[Api, Api]]:
    """Two API processes over one store."""
    with ExitStack() as stack:
        settings = {"REDIS_TIMEOUT_S": "1"}
        one = stack.enter_context(running_api(server.url, settings))
        two = running_api(server.url, {**settings, "KEY_PREFIX": one.prefix})
        yield one, stack.enter_context(two)


def _make(api: Api, **fields: Any) -> dict[str, Any]:
    with api.client() as admin:
        reply = admin.post(_TOKENS, json={"role": "reader", **fields})
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made


def _seconds_until(client: httpx.Client, path: str, status: int) -> float:
    return last_without_s(lambda: client.get(path).status_code == status, f"{path} is {status}")


def test_token__made_by_one_process__works_at_once_on_another(pair: tuple[Api, Api]) -> None:
    one, two = pair
    with one.client() as admin:
        path = f"{SEGMENTS}/{create_segment(admin)}/contexts/a"
    for _ in range(3):
        with two.client(_make(one)["token"]) as client:
            assert client.get(path).status_code == 200
            assert client.get(SEGMENTS).status_code == 200


def test_token__revoked_by_one_process__ends_within_a_second_on_another(
    pair: tuple[Api, Api],
) -> None:
    one, two = pair
    for path in (f"{SEGMENTS}/none/contexts/a", SEGMENTS):
        made = _make(one)
        with one.client() as admin, two.client(made["token"]) as client:
            assert client.get(path).status_code in {200, 404}
            assert admin.delete(f"{_TOKENS}/{made['_id']}").status_code == 204
            assert _seconds_until(client, path, 401) < 1
            assert_refused(client.get(path), 401, "unauthorized")


def test_token__role_and_scope_changed__hold_within_a_second(pair: tuple[Api, Api]) -> None:
    one, two = pair
    made = _make(one, role="writer")
    statement = {"effect": "allow", "actions": ["*"], "resources": ["proj/x:env/*:segment/*"]}
    change = [{"op": "replace", "path": "/inlineRole", "value": [statement]}]
    path = f"{SEGMENTS}/none/contexts/a"
    with one.client() as admin, two.client(made["token"]) as client:
        assert client.get(path).status_code == 404
        assert admin.patch(f"{_TOKENS}/{made['_id']}", json=change).status_code == 200
        assert _seconds_until(client, path, 403) < 1


def test_token__with_an_expiry__ends_then(pair: tuple[Api, Api]) -> None:
    one, two = pair
    end_ms = clock_ms() + 1_000
    made = _make(one, expiry=end_ms)
    with two.client(made["token"]) as client:
        early = client.get(SEGMENTS).status_code
        assert early == 200 or clock_ms() >= end_ms
        wait_until(lambda: clock_ms() >= end_ms, "it has expired")
        message = assert_refused(client.get(SEGMENTS), 401, "unauthorized")
        assert "expired" in message


def test_store__hung__tokens_are_unavailable_after_a_second_and_never_unknown(
    server: Server, pair: tuple[Api, Api]
) -> None:
    made, path = _make(pair[0]), "/openapi.json"
    assert server.process is not None
    with pair[1].client(made["token"]) as client, pair[1].client() as admin:
        assert client.get(path).status_code == 200
        server.process.send_signal(signal.SIGSTOP)
        try:
            assert _seconds_until(client, path, 503) < 2
            assert_refused(client.get(path), 503, "service_unavailable")
            assert_refused(client.get(f"{SEGMENTS}/s/contexts/a"), 503, "service_unavailable")
            assert admin.get(path).status_code == 200
        finally:
            server.process.send_signal(signal.SIGCONT)
        _seconds_until(client, path, 200)


def test_store__stopped_and_started_again__tokens_work_again(
    server: Server, pair: tuple[Api, Api]
) -> None:
    made, path = _make(pair[0]), "/openapi.json"
    with pair[1].client(made["token"]) as client:
        assert client.get(path).status_code == 200
        server.stop()
        try:
            assert _seconds_until(client, path, 503) < 1.5
        finally:
            server.start()
        _seconds_until(client, path, 200)


def _sha(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _with_directory(
    store: Store, work: Callable[[TokenDirectory], Awaitable[None]], **options: Any
) -> None:
    """Do something with a directory in this process, which nothing keeps up."""

    async def run() -> None:
        directory = TokenDirectory(lambda: store, clock=clock_ms, timeout_s=5, **options)
        await work(directory)
        directory._thread.shutdown()

    asyncio.run(run())


def test_unknown_tokens__many_at_one_time__share_few_questions(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        _, secret = store.access_tokens.create(NEW)
        asked: list[float] = []
        changed = store.access_tokens.changed

        async def work(directory: TokenDirectory) -> None:
            def counted() -> str | None:
                # When the question was put, not when the thread came to it: a busy machine
                # starts threads late.
                asked.append(directory._asked_at)
                return changed()

            store.access_tokens.changed = counted  # type: ignore[method-assign]  # counts, and asks
            digests = [_sha(str(n)) for n in range(500)]
            answers = await asyncio.gather(*(directory.ask(digest) for digest in digests))
            assert answers == [None] * 500
            assert len(asked) <= 2
            for n in range(5):
                assert await directory.ask(_sha(f"another {n}")) is None
            assert await directory.ask(_sha(secret)) is not None
            waits = [later - earlier for earlier, later in pairwise(asked)]
            assert min(waits) > _SPACING_S - 0.001

        _with_directory(store, work)


def test_unknown_token__tried_again__is_no_question(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        store.access_tokens.create(NEW)

        async def work(directory: TokenDirectory) -> None:
            digests = [_sha(str(n)) for n in range(_MOST_REFUSED + 1)]
            await asyncio.gather(*(directory.ask(digest) for digest in digests[:2]))
            asked = directory._asked_at
            assert [await directory.ask(digest) for digest in digests[:2]] == [None] * 2
            assert directory._asked_at == asked
            # One that is doubted is asked for, and so is one that others have driven out.
            directory.invalidate()
            assert await directory.ask(digests[0]) is None
            assert directory._asked_at > asked
            for digest in digests:
                directory._remember(digest)
            asked = directory._asked_at
            assert await directory.ask(digests[0]) is None
            assert directory._asked_at > asked

        _with_directory(store, work)


def test_find__answer_too_old_or_doubted__asks_again(valkey_server: Server) -> None:
    now = [100.0]
    with opened(valkey_server) as store:
        token, secret = store.access_tokens.create(NEW)

        async def work(directory: TokenDirectory) -> None:
            assert directory.find(_sha(secret)) is None
            known = await directory.ask(_sha(secret))
            assert isinstance(known, KnownToken)
            now[0] += 0.89
            assert directory.find(_sha(secret)) is known
            now[0] += 0.02
            assert directory.find(_sha(secret)) is None
            assert await directory.ask(_sha(secret)) is known
            store.access_tokens.revoke(token.id)
            assert directory.find(_sha(secret)) is known
            now[0] += 0.1
            directory.invalidate()
            assert directory.find(_sha(secret)) is None
            assert await directory.ask(_sha(secret)) is None

        _with_directory(store, work, monotonic=lambda: now[0])


def test_tokens__lost_by_the_store__are_unavailable_not_unknown(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        _, secret = store.access_tokens.create(NEW)

        async def work(directory: TokenDirectory) -> None:
            assert await directory.ask(_sha(secret)) is not None
            store.client.unlink(store.keyspace.access_tokens())
            with pytest.raises(ListUnknown):
                await directory.ask(_sha("other"))

        _with_directory(store, work)


def test_tokens__one_unreadable__is_unknown_and_the_others_work(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        tokens = store.access_tokens
        secrets = []
        for grants in ((Grant("[a]"),), ()):
            new = NewToken(name="n", role="reader", created_by="admin", grants=grants)
            secrets.append(tokens.create(new)[1])

        async def work(directory: TokenDirectory) -> None:
            assert await directory.ask(_sha(secrets[0])) is None
            assert await directory.ask(_sha(secrets[1])) is not None

        _with_directory(store, work)


def test_token__reset__has_two_secrets_of_one_use(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        token, first = store.access_tokens.create(NEW)
        _, second = store.access_tokens.reset(token.id, 5_000)

        async def work(directory: TokenDirectory) -> None:
            old, new = await directory.ask(_sha(first)), await directory.ask(_sha(second))
            assert old is not None
            assert new is not None
            assert (old.expires_ms, new.expires_ms) == (5_000, None)
            assert old.use is new.use
            assert old.caller is new.caller
            new.use.seen_ms = 77
            async with directory.running():
                pass
            assert store.access_tokens.get(token.id).used_ms == 77

        _with_directory(store, work)


def test_unknown_tokens__more_than_may_wait__are_unknown_at_once_and_known_ones_work(
    valkey_server: Server,
) -> None:
    with opened(valkey_server) as store:
        _, secret = store.access_tokens.create(NEW)

        async def work(directory: TokenDirectory) -> None:
            assert await directory.ask(_sha(secret)) is not None
            read = store.access_tokens.changed
            let_go = threading.Event()

            def held() -> str | None:
                assert let_go.wait(60)
                return read()

            store.access_tokens.changed = held  # type: ignore[method-assign]  # a slow store
            waiting = [
                asyncio.create_task(directory.ask(_sha(str(n)))) for n in range(MOST_WAITING)
            ]
            await asyncio.sleep(0)
            for n in range(1_000):
                assert await directory.ask(_sha(f"more {n}")) is None
            assert not any(one.done() for one in waiting)
            assert directory.find(_sha(secret)) is not None
            let_go.set()
            assert await asyncio.gather(*waiting) == [None] * MOST_WAITING
            store.access_tokens.changed = read  # type: ignore[method-assign]  # as it was
            _, new = store.access_tokens.create(NEW)
            assert await directory.ask(_sha(new)) is not None

        _with_directory(store, work)


def test_question__ended_and_not_yet_cleared_away__is_not_waited_for(
    valkey_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(valkey_server) as store:

        async def work(directory: TokenDirectory) -> None:
            question = directory._question()
            while not question.done():  # noqa: ASYNC110  # every turn of the loop is looked at
                await asyncio.sleep(0)
            # Its callbacks run in the next turn of the loop; a wait for it would be none.
            calls = count()
            ask_again = directory._question

            def counted() -> asyncio.Task[None]:
                assert next(calls) < 10, "the loop is held by a question that has ended"
                return ask_again()

            monkeypatch.setattr(directory, "_question", counted)
            assert await directory.ask(_sha("second")) is None

        _with_directory(store, work)
