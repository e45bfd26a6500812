"""Connections cut by RST: a counter that cannot count lets through, a store is asked anew."""

from tests.support.proxies.names import running_name
from tests.support.servers.api import SEGMENTS, create_segment, running_api
from tests.support.servers.redis import Server, wait_until

_COUNTED = "X-Ratelimit-Global-Remaining"


def test_connections__reset__fail_no_request_in_an_unknown_way(valkey_server: Server) -> None:
    with (
        running_name(valkey_server) as store,
        running_name(valkey_server) as counter,
        running_api(store.url, {"BROKER_URL": counter.url}) as api,
        api.client() as client,
    ):
        path = f"{SEGMENTS}/{create_segment(client)}/contexts/a"
        for _ in range(3):
            assert client.get(SEGMENTS).headers[_COUNTED]
            assert counter.reset() >= 1
            for _ in range(3):
                assert client.get(SEGMENTS).status_code == 200, api.log
            assert client.get(path).status_code == 200
            assert store.reset() >= 2
            for _ in range(3):
                assert client.get(path).status_code in {200, 503}, api.log
                assert client.get(SEGMENTS).status_code in {200, 503}, api.log
            wait_until(lambda: client.get(path).status_code == 200, "look-ups are answered")
            wait_until(lambda: _COUNTED in client.get(SEGMENTS).headers, "counting goes on")
        assert "Traceback" not in api.log
        assert "request.failed" not in api.log
