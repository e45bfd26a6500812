"""Reads whole revisions: pins one, so that its shards stay, and reads them, pipelined."""

from collections.abc import Iterator
from typing import Final

from redis.connection import ConnectionInterface

from worker.batches import batches
from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.keyspace import ListRef, Side
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import run
from worker.store.members import SENTINEL
from worker.store.server.connections import driver_errors, node_client
from worker.store.server.database import Database
from worker.store.server.primary import PrimaryOnly

#: Shards asked for at once: about 100 KiB of replies.
_IN_FLIGHT: Final = 64


def pin(database: Database, ref: ListRef, holder: str, ttl_ms: int) -> Revision:
    """Pin the live revision for one holder, or renew the pin that it has.

    The pin ends by itself, so a holder that died keeps no memory.

    Raises:
        SegmentNotFound: the list was deleted.
    """
    reply = run(database, ref, "list/pin", [holder, ttl_ms])
    if not reply:
        message = f"list {ref.name} has no live revision"
        raise SegmentNotFound(message)
    return Revision.parse(reply[0])


def unpin(database: Database, ref: ListRef, holder: str) -> None:
    """Remove a pin; idempotent."""
    with driver_errors(f"unpin {ref.name}"):
        database.client.hdel(database.keys.list_record(ref), f"pin:{holder}")


def read_shards(
    database: Database,
    ref: ListRef,
    revision: Revision,
    side: Side,
    first: int,
    stop: int,
) -> Iterator[list[bytes]]:
    """Yield the members of shards ``first`` to ``stop`` (exclusive), some shards at a time.

    Members come in order of their shards, without the sentinel, and are distinct as long
    as the revision is not edited across a re-run. Each shard is read in one step.

    Cost: one round trip for 64 shards; memory for twice as many.

    Raises:
        ListUnknown: a shard is missing, so the list is not whole.
        StoreUnavailable: no answer. A retry may start at any shard.
    """
    pool = node_client(database.client, database.keys.list_record(ref)).connection_pool
    what = f"read shards of {ref.name}"
    with driver_errors(what):
        connection = pool.get_connection()
    asked = 0
    try:
        waiting: list[int] = []
        for group in batches(range(first, stop), _IN_FLIGHT):
            names = [database.keys.shard(ref, revision.name, side, index) for index in group]
            with driver_errors(what):
                # Skips the role check, which would read a pending reply.
                connection.send_packed_command(
                    connection.pack_commands([("SMEMBERS", name) for name in names]),
                    check_health=False,
                )
            asked += len(group)
            waiting.append(len(group))
            # The next group is asked for before this one is read, so the server never waits.
            if len(waiting) == 2:  # noqa: PLR2004 - one being read, one being answered
                yield _read(connection, waiting.pop(0), ref, revision, what)
        while waiting:
            yield _read(connection, waiting.pop(0), ref, revision, what)
        with driver_errors(what):
            # A server that is still the primary was the primary for every shard above.
            if isinstance(connection, PrimaryOnly):
                connection.confirm_primary()
        asked = 0
    finally:
        if asked:
            connection.disconnect()
        pool.release(connection)


def _read(
    connection: ConnectionInterface, count: int, ref: ListRef, revision: Revision, what: str
) -> list[bytes]:
    members: list[bytes] = []
    for _ in range(count):
        with driver_errors(what):
            shard = connection.read_response()
        try:
            shard.remove(SENTINEL)
        except ValueError:
            message = f"a shard of {ref.name} {revision.name} is missing: the list is not whole"
            raise ListUnknown(message) from None
        members += shard
    return members
