"""A primary, its replica, and the name that leads to the primary."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.proxies.names import NameProxy, running_name
from tests.support.servers.redis import Server, running_server, wait_until

#: A primary sends its data at once.
_PROMPT = {"repl-diskless-sync-delay": "0"}
#: Nothing listens there.
_NOBODY = ("127.0.0.1", 9)


@dataclass(slots=True)
class ReplicatedServers:
    """Two servers that can change places."""

    name: NameProxy
    primary: Server
    replica: Server

    def follow(self) -> None:
        """Let the replica follow the primary, and wait until it has all data."""
        self.replica.command_reply("REPLICAOF", "127.0.0.1", self.primary.port)
        wait_until(self._has_all, "the replica has all data")

    def demote(self) -> None:
        """Promote the replica; the old primary follows a server that does not exist.

        The name leads to the old primary as before.
        """
        self.replica.command_reply("REPLICAOF", "NO", "ONE")
        self.primary.command_reply("REPLICAOF", *_NOBODY)
        self.primary, self.replica = self.replica, self.primary

    def rename(self) -> None:
        """Let the name lead to the primary."""
        self.name.leads_to = self.primary

    def _has_all(self) -> bool:
        ours, theirs = (_replication(one) for one in (self.replica, self.primary))
        return bool(
            ours["master_link_status"] == "up"
            and ours["slave_repl_offset"] == theirs["master_repl_offset"]
        )


def _replication(server: Server) -> dict[str, Any]:
    with server.client() as client:
        return dict(client.info("replication"))


@contextmanager
def running_replicated() -> Iterator[ReplicatedServers]:
    """Run both, in sync; all is gone at the end."""
    with (
        running_server("valkey", options=_PROMPT) as primary,
        running_server("valkey", options=_PROMPT) as replica,
        running_name(primary) as name,
    ):
        servers = ReplicatedServers(name, primary, replica)
        servers.follow()
        yield servers
