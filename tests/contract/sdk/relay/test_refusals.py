"""Keys that are not of a relay are refused, and that costs the store nothing."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from tests.contract.sdk.relay.system import new_environment, new_sdk_key
from tests.support.servers.api import TOKEN, Api
from tests.support.servers.redis import Server
from worker.store import Store

_PATHS = ("/sdk/big-segments/revisions", "/big-segments")
_REQUESTS = 1_000


@pytest.mark.parametrize("path", _PATHS)
def test_relay__key_of_something_else__is_refused(api: Api, store: Store, path: str) -> None:
    env = new_environment(api)
    of_sdk, of_relay = (new_sdk_key(store, env, relay=relay) for relay in (False, True))
    expected = {of_sdk: 403, f"sdk-{'0' * 32}": 401, TOKEN: 401, None: 401}
    for token, status in expected.items():
        with api.client(token) as client:
            reply = client.get(path)
            assert reply.status_code == status, reply.text
            assert set(reply.json()) == {"message", "id"}
    with api.client(of_relay) as client:
        assert client.get("/api/v2/projects").status_code == 401
        assert client.get("/v1/datafile").status_code == 401


@pytest.mark.parametrize("keys", [1, _REQUESTS])
def test_relay__a_thousand_requests_with_wrong_keys__ask_the_store_next_to_nothing(
    api: Api, valkey_server: Server, keys: int
) -> None:
    wrong = [f"sdk-{secrets.token_hex(16)}" for _ in range(keys)]

    async def ask() -> set[int]:
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(base_url=api.url, limits=limits, timeout=60) as client:
            headers = [{"Authorization": wrong[n % keys]} for n in range(_REQUESTS)]
            replies = (client.get(_PATHS[n % 2], headers=head) for n, head in enumerate(headers))
            return {reply.status_code for reply in await asyncio.gather(*replies)}

    with valkey_server.client() as database:
        before = _commands(database)
        assert asyncio.run(ask()) == {401}
        # What the API asks anyway is among it, some eight commands a second.
        assert _commands(database) - before < _REQUESTS / 2


def _commands(database: Any) -> int:
    return int(database.info("stats")["total_commands_processed"])
