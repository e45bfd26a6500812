"""Reads whole revisions: pins one, so that its shards stay, and reads them, pipelined."""

from collections.abc import Generator, Sequence
from typing import Final

from redis.connection import ConnectionInterface

from worker.byte_columns import Column, concatenate
from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.keyspace import ListRef, Side
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import run
from worker.store.members import SPARE_BYTES, ShardReplies, slice_replies
from worker.store.server.connections import driver_errors, node_client
from worker.store.server.database import Database
from worker.store.server.primary import PrimaryOnly
from worker.store.server.reply_bytes import ReplyBytes

#: Shards asked for and not yet read: about 450 KiB of replies. The server takes up to 16 KiB of
#: commands from a connection in one go, some 160 of them, and works on those for a millisecond.
_IN_FLIGHT: Final = 256
_ASKED_AT_ONCE: Final = 64
#: Members that make a column worth the calls of column-wise code, and bytes that do.
_ROWS_PER_COLUMN: Final = 65_536
_BYTES_PER_COLUMN: Final = 4 * 1024 * 1024


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
) -> Generator[Column]:
    """Yield the packed members of shards ``first`` to ``stop`` (exclusive), some at a time.

    Members come in order of their shards, without the sentinel, and are distinct as long
    as the revision is not edited across a re-run. Each shard is read in one step.

    Cost: 0.13 µs of CPU a member here, 0.07 to 0.1 µs at the server; some megabytes, or the
    largest shard several times.

    Yields:
        Columns of 65,536 members or 4 MiB, or a few more, the last one shorter; fixed-size
        binary where all members of one have one length, else binary.

    Raises:
        ListUnknown: a shard is missing, so the list is not whole.
        StoreUnavailable: no answer. A retry may start at any shard.
    """
    pool = node_client(database.client, database.keys.list_record(ref)).connection_pool
    what = f"read shards of {ref.name}"
    with driver_errors(what):
        connection = pool.get_connection()
    finished = False
    try:
        names = [database.keys.shard(ref, revision.name, side, n) for n in range(first, stop)]
        pipeline = _Pipeline(connection, names)
        columns: list[Column] = []
        while pipeline.unread:
            with driver_errors(what):
                replies = pipeline.read()
            if replies.missing:
                message = f"a shard of {ref.name} {revision.name} is missing: the list is not whole"
                raise ListUnknown(message)
            columns.append(replies.members)
            if _are_enough(columns):
                yield concatenate(columns)
                columns = []
        if any(map(len, columns)):
            yield concatenate(columns)
        with driver_errors(what):
            # A server that is still the primary was the primary for every shard above.
            if isinstance(connection, PrimaryOnly):
                connection.confirm_primary()
        finished = True
    finally:
        # A connection with unread replies would answer the next user with ours.
        if not finished:
            connection.disconnect()
        pool.release(connection)


def _are_enough(columns: Sequence[Column]) -> bool:
    return (
        sum(map(len, columns)) >= _ROWS_PER_COLUMN
        or sum(column.nbytes for column in columns) >= _BYTES_PER_COLUMN
    )


class _Pipeline:
    """Asks for shards and reads the answers; the server has always some more to do."""

    def __init__(self, connection: ConnectionInterface, names: Sequence[str]) -> None:
        self._connection = connection
        self._names = names
        self._asked = 0
        self._bytes = ReplyBytes(connection, SPARE_BYTES)
        self._tried_bytes = 0
        self.unread = len(names)
        """Shards not read yet."""

    def read(self) -> ShardReplies:
        """Read some shards, at least one.

        Raises:
            redis.RedisError: the driver's own, to be translated.
        """
        while True:
            self._ask()
            self._receive()
            replies = slice_replies(self._bytes.buffer, self._bytes.size)
            self._bytes.drop(replies.size)
            self._tried_bytes = self._bytes.size
            if replies.shards:
                self.unread -= replies.shards
                return replies

    def _ask(self) -> None:
        in_flight = self._asked - (len(self._names) - self.unread)
        if in_flight > _IN_FLIGHT - _ASKED_AT_ONCE:
            return
        names = self._names[self._asked : self._asked + _IN_FLIGHT - in_flight]
        self._asked += len(names)
        commands = (b"*2\r\n$8\r\nSMEMBERS\r\n$%d\r\n%b\r\n" % (len(n), n.encode()) for n in names)
        # Skips the role check, which would read a pending reply.
        self._connection.send_packed_command([b"".join(commands)], check_health=False)

    def _receive(self) -> None:
        if self._bytes.starts_with_error():
            self._bytes.raise_error()
        self._bytes.receive()
        # A long reply is looked at again only when it has doubled, or nothing more is there yet.
        while self._bytes.size < 2 * self._tried_bytes and self._connection.can_read():
            self._bytes.receive()
