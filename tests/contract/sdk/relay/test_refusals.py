"""Keys that are not of a relay are refused, and that costs the store nothing."""

import secrets
from contextlib import closing
from http.client import HTTPConnection
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


def test_relay__repeats_a_wrong_key__asks_the_store_nothing_for_it(
    api: Api, valkey_server: Server
) -> None:
    url, headers = httpx.URL(api.url), {"Authorization": f"sdk-{secrets.token_hex(16)}"}
    connection = HTTPConnection(url.host, url.port or 0, timeout=30)
    with closing(connection), valkey_server.client() as database:
        before = _commands(database)
        for number in range(_REQUESTS):
            connection.request("GET", _PATHS[number % 2], headers=headers)
            reply = connection.getresponse()
            reply.read()
            assert reply.status == 401
        # What the API asks anyway is among it, some eight commands a second.
        assert _commands(database) - before < _REQUESTS / 4


def _commands(database: Any) -> int:
    return int(database.info("stats")["total_commands_processed"])
