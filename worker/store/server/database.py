"""The one handle through which everything in the store reaches its server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from worker.store.keyspace import Keyspace
from worker.store.server.client import Client
from worker.store.server.connections import driver_errors
from worker.store.server.scripts import Argument, ScriptName, Scripts, takes_flags


@dataclass(frozen=True, slots=True)
class Database:
    """A server, its scripts and keys, and the sources of time and randomness."""

    client: Client
    scripts: Scripts
    keys: Keyspace
    now_ms: Callable[[], int]
    """Unix milliseconds, by this process's clock."""
    random_name: Callable[[], str]
    """32 hexadecimal digits that nobody else has."""

    def run(
        self, what: str, name: ScriptName, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Any:  # noqa: ANN401 - a reply is what the script returns
        """Run one script as one step; ``what`` names it and its subject in an error.

        Cost: one round trip, two the first time that the server sees the script.

        Raises:
            StoreError: as :func:`driver_errors` translates it.
        """
        with driver_errors(what):
            return self.scripts.run(name, keys, args)


def open_database(
    client: Client, prefix: str, *, now_ms: Callable[[], int], random_name: Callable[[], str]
) -> Database:
    """Wrap a client that is already open. Cost: one round trip."""
    with driver_errors("ask what scripts the store takes"):
        scripts = Scripts(client, flagged=takes_flags(client))
    return Database(client, scripts, Keyspace(prefix), now_ms, random_name)
