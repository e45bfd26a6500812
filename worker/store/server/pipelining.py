"""Runs one script many times on one server, with a few calls on their way.

For reads of a list shard by shard: each call is short, so that the server answers others in
between, and the next ones are already there when it has.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from redis.connection import ConnectionInterface

from worker.store.server.connections import driver_errors, node_client
from worker.store.server.database import Database
from worker.store.server.primary import PrimaryOnly
from worker.store.server.scripts import Argument, ScriptName

#: Calls sent and not yet answered. The server runs those that have arrived one after the other,
#: before it turns to anybody else, so this times the cost of a call is what others wait.
_IN_FLIGHT: Final = 2


def run_each(
    database: Database,
    what: str,
    name: ScriptName,
    key: str,
    calls: Iterable[Sequence[Argument]],
) -> Iterator[Any]:
    """Run a script that only reads once for each sequence of arguments, in order.

    Every reply is a primary's once the last one was taken.

    Args:
        database: Where the key is.
        what: Names the step and its subject in an error.
        name: The script.
        key: Its only key.
        calls: The arguments of each call.

    Yields:
        The reply to each call.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        StoreError: as :func:`driver_errors` translates any other error.
    """
    waiting = iter(calls)
    # The first call loads the script where it is not known yet.
    for arguments in waiting:
        yield database.run(what, name, [key], arguments)
        break
    following = next(waiting, None)
    if following is None:
        return
    pool = node_client(database.client, key).connection_pool
    with driver_errors(what):
        connection = pool.get_connection()
    asked = 0
    try:
        sha = database.scripts.get(name).sha
        for arguments in chain([following], waiting):
            with driver_errors(what):
                packed = connection.pack_command("EVALSHA", sha, 1, key, *arguments)
                # Skips the role check, which would read a pending reply.
                connection.send_packed_command(packed, check_health=False)
            asked += 1
            if asked == _IN_FLIGHT:
                yield _read(connection, what)
                asked -= 1
        for _ in range(asked):
            yield _read(connection, what)
        with driver_errors(what):
            # A server that is still the primary was the primary for every reply above.
            if isinstance(connection, PrimaryOnly):
                connection.confirm_primary()
        asked = 0
    finally:
        if asked:
            connection.disconnect()
        pool.release(connection)


def _read(connection: ConnectionInterface, what: str) -> Any:  # noqa: ANN401 - the reply is the script's
    with driver_errors(what):
        return connection.read_response()
