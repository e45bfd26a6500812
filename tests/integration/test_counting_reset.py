"""Connections to the server that counts requests, cut by RST: requests are let through."""

from tests.api_servers import SEGMENTS, running_api
from tests.name_proxy import running_name
from tests.servers import Server, wait_until


def test_counting_server__connections_reset__requests_are_let_through_uncounted(
    valkey_server: Server,
) -> None:
    with (
        running_name(valkey_server) as name,
        running_api(valkey_server.url, {"BROKER_URL": name.url}) as api,
        api.client() as client,
    ):
        for _ in range(6):
            assert client.get(SEGMENTS).headers["X-Ratelimit-Global-Remaining"]
            assert name.reset() >= 1
            for _ in range(3):
                assert client.get(SEGMENTS).status_code == 200, api.log
            wait_until(
                lambda: "X-Ratelimit-Global-Remaining" in client.get(SEGMENTS).headers,
                "requests are counted again",
                5,
            )
        assert "Traceback" not in api.log
