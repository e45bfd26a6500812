"""The longest calls of a store are found on real servers, and named without keys."""

import pytest

from tests.benchmarks.calls import call_name, logged
from tests.benchmarks.launch import servers_here
from tests.support.servers.redis import Kind, running_server

_SLOW = "local x = 0; for n = 1, 3000000 do x = x + n end; return x"


@pytest.mark.parametrize("kind", servers_here())
def test_logged__slow_script_and_transaction__are_found_by_name(kind: Kind) -> None:
    with running_server(kind) as server, server.client() as client:
        sha = str(client.script_load(_SLOW))
        settings = client.config_get("slowlog-*")

        with logged(client, {sha: "list/slow"}) as calls:
            client.execute_command("EVALSHA", sha, 0)
            with client.pipeline(transaction=True) as transaction:
                transaction.execute_command("EVALSHA", sha, 0)
                transaction.execute()

        assert calls["list/slow"] > 1_000
        assert calls["EXEC"] > 1_000
        assert client.config_get("slowlog-*") == settings


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (b"EVALSHA 00ff 2 bigseg:{a} secret", "list/edit"),
        (b"EVALSHA 0123456789 1 secret", "EVALSHA 01234567"),
        (b"EVAL local secret 0", "EVAL"),
        (b"RESTORE secret 0 secret", "RESTORE"),
        (b"SLOWLOG GET 10", None),
    ],
)
def test_call_name__command__never_shows_a_key(command: bytes, name: str | None) -> None:
    assert call_name(command, {"00ff": "list/edit"}) == name
