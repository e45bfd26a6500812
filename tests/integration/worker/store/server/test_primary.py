"""A primary that was demoted and still lives: what it says counts no more, within two seconds.

The store is also the broker and counts requests, so every kind of connection is in play; all
of them know a name only, which leads to the new primary sooner or later.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.local.commands import worker_command
from api.services.work_sender import WorkSender
from tests.support.processes.started import WARNINGS
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    create_segment,
    include,
    running_api,
    wait_for_message,
)
from tests.support.servers.objects import CREDENTIALS
from tests.support.servers.redis import Server, last_without_s, wait_until
from tests.support.servers.replicated import ReplicatedServers, running_replicated
from tests.support.systems.parts import Guardian, Part
from worker.store import Edit, JobRef, NewToken, StoreSettings, StoreUnavailable, open_store
from worker.store.jobs.messages import QUEUE_WORK
from worker.store.keyspace import INCLUDED
from worker.store.lists import read_shards

_EVALUATE = "/api/v2/projects/default/environments/production/segments/evaluate"
_LIMIT_S = 2.0

#: What it says of a segment; ``None``: nothing, it is a 503.
_Question = Callable[[httpx.Client, str], bool | None]


@pytest.fixture(scope="module")
def servers() -> Iterator[ReplicatedServers]:
    with running_replicated() as servers:
        yield servers


@pytest.fixture(scope="module")
def api(servers: ReplicatedServers) -> Iterator[Api]:
    with running_api(servers.name.url) as api:
        yield api


@pytest.fixture
def client(servers: ReplicatedServers, api: Api) -> Iterator[httpx.Client]:
    """A client of the API while the name leads to the primary, which has a replica."""
    servers.rename()
    servers.follow()
    with api.client() as client:
        wait_until(lambda: client.get(SEGMENTS).is_success, "the store is used again")
        yield client


@pytest.fixture
def segment(servers: ReplicatedServers, client: httpx.Client) -> str:
    """A list of one key, which all parts of the process have looked at."""
    key = create_segment(client)
    include(client, key, "a")
    for ask in (_look_up, _evaluate, _edit):
        # Each has connections of its own, and some may not have left the server of a test before.
        wait_until(partial(_is_answered, ask, client, key), f"{ask.__name__} is answered")
        assert ask(client, key) is True
    servers.follow()
    return key


def _look_up(client: httpx.Client, segment: str) -> bool | None:
    reply = client.get(f"{SEGMENTS}/{segment}/contexts/a")
    return None if reply.status_code == 503 else bool(reply.raise_for_status().json()["included"])


def _evaluate(client: httpx.Client, segment: str) -> bool | None:
    reply = client.post(_EVALUATE, json={"key": "a"})
    if reply.status_code == 503:
        return None
    (one,) = [one for one in reply.raise_for_status().json()["items"] if one["key"] == segment]
    return bool(one["isMember"])


def _edit(client: httpx.Client, segment: str) -> bool | None:
    body = {"included": {"add": ["edited"]}}
    reply = client.post(f"{SEGMENTS}/{segment}/contexts", json=body)
    return None if reply.status_code == 503 else reply.raise_for_status().is_success


def _show(client: httpx.Client, segment: str) -> bool | None:
    reply = client.get(f"{SEGMENTS}/{segment}")
    return None if reply.status_code == 503 else reply.raise_for_status().is_success


def _ready(client: httpx.Client, _segment: str = "") -> bool | None:
    parts = client.get("/readyz").json()["parts"]
    return (parts["redis"]["ok"] and parts["broker"]["ok"]) or None


_QUESTIONS = (_look_up, _evaluate, _edit, _show, _ready)


def _is_silent(ask: _Question, client: httpx.Client, segment: str) -> bool:
    return ask(client, segment) is None


def _is_answered(ask: _Question, client: httpx.Client, segment: str) -> bool:
    return ask(client, segment) is not None


def _change_on_new_primary(servers: ReplicatedServers, api: Api, segment: str) -> str:
    """Remove the key, and make a token; give its secret."""
    with open_store(_settings(servers.primary.url, api)) as store:
        ref = store.segments.get(PRODUCTION, segment).ref
        store.memberships.edit(ref, [Edit("i-", "a")])
        _, secret = store.access_tokens.create(NewToken("n", "reader", "admin"))
        return secret


def _settings(url: str, api: Api) -> StoreSettings:
    return StoreSettings.model_validate({"redis_url": url, "key_prefix": api.prefix})


def test_demoted__name_still_leads_there__nothing_is_answered_until_it_leads_on(
    servers: ReplicatedServers, api: Api, client: httpx.Client, segment: str
) -> None:
    with open_store(_settings(servers.name.url, api)) as store:
        made = store.access_tokens.create(NewToken("before", "reader", "admin"))[1]
    with api.client(made) as reader:
        wait_until(lambda: _look_up(reader, segment) is True, "the token is known")
        servers.follow()
        servers.demote()
        secret = _change_on_new_primary(servers, api, segment)

        for ask in _QUESTIONS:
            what = f"{ask.__name__} is not answered"
            assert last_without_s(partial(_is_silent, ask, client, segment), what) < _LIMIT_S
        what = "the token is not trusted"
        assert last_without_s(lambda: _look_up(reader, segment) is None, what) < _LIMIT_S
        for _ in range(5):
            assert [ask(client, segment) for ask in _QUESTIONS] == [None] * len(_QUESTIONS)

        servers.rename()
        for ask in _QUESTIONS:
            what = f"{ask.__name__} is answered"
            wait_until(partial(_is_answered, ask, client, segment), what)
        assert [_look_up(client, segment), _evaluate(client, segment)] == [False, False]
        assert "X-Ratelimit-Global-Remaining" in client.get(SEGMENTS).headers
    with api.client(secret) as reader:
        assert _look_up(reader, segment) is False


def test_demoted__name_leads_on_at_once__no_answer_is_stale_after_two_seconds(
    servers: ReplicatedServers, api: Api, client: httpx.Client, segment: str
) -> None:
    servers.demote()
    servers.rename()
    started = time.monotonic()
    _change_on_new_primary(servers, api, segment)
    seen: list[tuple[float, bool | None]] = []
    while (asked := time.monotonic() - started) < _LIMIT_S + 0.5:
        seen += [(asked, ask(client, segment)) for ask in (_look_up, _evaluate)]

    stale = [asked for asked, answer in seen if answer is True]
    assert not stale or max(stale) < 1, "a role is asked for four times a second"
    assert sum(answer is None for _, answer in seen) < 10
    for ask in _QUESTIONS:
        wait_until(partial(_is_answered, ask, client, segment), f"{ask.__name__} is answered")
    assert [_look_up(client, segment), _evaluate(client, segment)] == [False, False]


def test_demoted__long_reading_of_shards__does_not_end_well(
    servers: ReplicatedServers, api: Api, segment: str
) -> None:
    with open_store(_settings(servers.name.url, api)) as store:
        ref = store.segments.get(PRODUCTION, segment).ref
        live = store.memberships.state(ref).live
        reading = read_shards(store.database, ref, live, INCLUDED, 0, live.shard_count(INCLUDED))
        assert len(next(reading))
        servers.demote()
        with pytest.raises(StoreUnavailable, match="not a primary"):
            list(reading)


@pytest.mark.usefixtures("client")
def test_demoted__broker__messages_go_to_the_new_one(servers: ReplicatedServers, api: Api) -> None:
    sender = WorkSender(_settings(servers.name.url, api))
    sender.work(JobRef("import", PRODUCTION, "one"))
    with open_store(_settings(servers.primary.url, api)) as store:
        wait_for_message(store, "bigseg.work", "import:default:production:one")
    servers.follow()
    servers.demote()
    servers.rename()

    # The first ones may be refused by the old one: messages are hints, and may be lost.
    queue = f"{api.prefix}:broker:{QUEUE_WORK}"
    before = _length(servers.primary, queue)

    def sent() -> bool:
        sender.work(JobRef("import", PRODUCTION, "two"))
        return _length(servers.primary, queue) > before

    wait_until(sent, "messages go to the new one")
    sender.close()


@pytest.mark.usefixtures("client")
def test_demoted__broker_of_an_idle_worker__it_lives_and_listens_to_the_new_one(
    servers: ReplicatedServers, api: Api, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        **CREDENTIALS,
        "BIGSEG_REDIS_URL": servers.name.url,
        "BIGSEG_KEY_PREFIX": api.prefix,
        **WARNINGS,
    }
    guardian = Guardian()
    command = worker_command((QUEUE_WORK,), 1, "work")
    worker = Part("worker", command, environment, tmp_path / "worker.log", guardian)
    worker.start()
    try:
        wait_until(lambda: _is_listened_to(servers.primary), "the worker listens")
        servers.follow()
        servers.demote()
        servers.rename()

        wait_until(lambda: _is_listened_to(servers.primary), "it listens to the new one")
        assert worker.process is not None
        assert worker.process.poll() is None, worker.log
    finally:
        worker.kill()
        guardian.dismiss()


def _length(server: Server, queue: str) -> int:
    return int(server.command_reply("LLEN", queue))


def _is_listened_to(server: Server) -> bool:
    with server.client() as client:
        return any(one["cmd"] == "brpop" for one in client.client_list())
