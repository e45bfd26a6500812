"""Whether somebody asks, by what real servers count."""

from collections.abc import Iterator

import pytest

from tests.support.servers.redis import Server, running_server
from worker.store.lists.demand import Demand


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, whose look-ups are all the test's."""
    if request.param == "redis":
        request.getfixturevalue("redis8_server")  # skips where no wheel has it
    with running_server(request.param) as server:
        yield server


def test_demand__look_ups_of_anybody__are_noticed_and_forgotten(server: Server) -> None:
    with server.client() as node:
        demand = Demand(node)
        assert demand.is_there(0.0), "nothing to compare with yet"
        assert not demand.is_there(0.1)
        server.command_reply("SISMEMBER", "key", "member")
        assert not demand.is_there(1.0)
        server.command_reply("SMISMEMBER", "key", "member")
        assert not demand.is_there(1.1), "it looks four times a second"
        assert demand.is_there(1.3)
        assert demand.is_there(3.2)
        assert not demand.is_there(3.4)


def test_demand__server_restarted__is_noticed_at_most(server: Server) -> None:
    server.command_reply("SMISMEMBER", "key", "member")
    with server.client() as node:
        demand = Demand(node)
        demand.is_there(0.0)
        assert not demand.is_there(1.0)
        server.restart()
        assert demand.is_there(2.0)
        assert not demand.is_there(5.0)


def test_demand__info_forbidden__somebody_always_asks(server: Server) -> None:
    server.command_reply("ACL", "SETUSER", "w", "on", ">s", "~*", "+@all", "-info")
    with server.client(username="w", password="s") as node:
        demand = Demand(node)
        assert all(demand.is_there(float(moment)) for moment in range(20))
