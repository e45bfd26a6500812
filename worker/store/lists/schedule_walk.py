"""Walking over the schedules of a list, a thousand at a time; whoever walks drops void ones."""

from collections.abc import Iterator, Sequence
from typing import Any

from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.keyspace import ListRef
from worker.store.server.database import Database

Named = tuple[bytes, bytes]


def walk_schedules(database: Database, ref: ListRef) -> Iterator[Named]:
    """Yield name and detail of each schedule, some twice, in no order.

    A walk to the end that began after a flip leaves no schedule of a key that the flip has
    dropped, so that an import may bring it back. Cost: one round trip a thousand.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the record.
        StoreUnavailable: no answer. Safe to retry.
    """
    record = database.keys.list_record(ref)
    cursor, walk = b"0", b""
    while True:
        what = f"walk over the schedules of {ref.name}"
        reply = database.run(what, "walk_schedules", [record], [cursor, walk])
        cursor, walk, *found = answered(ref, reply)
        yield from zip(found[::2], found[1::2], strict=True)
        if cursor == b"0":
            return


def answered(ref: ListRef, reply: Sequence[Any]) -> Sequence[Any]:
    """What a script about schedules answers after ``ok``.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the list is not whole.
    """
    verdict, *rest = reply
    if verdict == b"deleted":
        message = f"segment {ref.segment} (generation {ref.generation}) was deleted"
        raise SegmentNotFound(message)
    if verdict == b"unknown":
        message = f"list {ref.name} is not whole on the server; import it again or restore it"
        raise ListUnknown(message)
    return rest


def prune_schedules(database: Database, ref: ListRef) -> None:
    """Walk to the end; see :func:`walk_schedules`."""
    for _ in walk_schedules(database, ref):
        pass
