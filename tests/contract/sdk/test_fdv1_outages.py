"""An SDK that streams while the store is down."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.sdks.connecting import Connection, context_of
from tests.support.sdks.flags import flag_of, flags_of
from tests.support.sdks.own_environment import own_environment
from tests.support.sdks.python_sdk import PythonSdk, python_sdk
from tests.support.servers.api import Api, running_api
from tests.support.servers.redis import Server, running_server, wait_until

ALL = "/sdk/latest-all"
_KEYS = ("anna", "ben")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that keeps every write over a power cut."""
    with running_server("valkey", append_only=True, options={"appendfsync": "always"}) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    with running_api(server.url) as api:
        yield api


def _members(sdk: PythonSdk) -> list[bool | None]:
    answers = sdk.evaluate(flag_of("beta"), [*map(context_of, _KEYS)])
    return [answer.value for answer in answers]


def _status(sdk: httpx.Client, path: str = ALL) -> int:
    with sdk.stream("GET", path) as reply:
        return reply.status_code


def test_sdk__over_an_outage_of_the_store__keeps_its_data_and_its_stream(
    server: Server, api: Api
) -> None:
    with own_environment(api) as environment:
        environment.create_segment("beta")
        environment.include("beta", "anna")
        environment.put_flags(flags_of(["beta"])["flags"])
        connection = Connection(environment.sdk_key, api.url, server.url, "launchdarkly")
        with python_sdk(connection) as sdk, api.client(environment.sdk_key) as client:
            assert _members(sdk) == [True, False]
            server.kill()
            wait_until(lambda: _status(client) == 503, "the store is missed")
            assert _status(client, "/all") == 503
            wait_until(lambda: "streams.delayed" in api.log, "the stream's read has failed")
            assert _members(sdk) == [True, False]
            server.start()
            wait_until(lambda: _status(client) == 200, "the store is back")
            environment.include("beta", "ben")
            wait_until(lambda: _members(sdk) == [False, True], "the SDK has the change")
            assert sdk.logged() == [], "its stream has never ended"
