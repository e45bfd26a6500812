"""Runs the scripts about a list; the first item of a reply is its verdict."""

from collections.abc import Sequence
from typing import Any

from worker.store.errors import (
    Cancelled,
    ImportInProgress,
    KeyInOtherList,
    ListUnknown,
    SegmentNotFound,
    Superseded,
)
from worker.store.keyspace import ListRef
from worker.store.server.database import Database
from worker.store.server.scripts import Argument, ScriptName


def run(database: Database, ref: ListRef, name: ScriptName, args: Sequence[Argument] = ()) -> Any:  # noqa: ANN401 - a reply is what the script returns
    """Run one script on a list's record and journal; raises as :meth:`Database.run`."""
    keys = [database.keys.list_record(ref), database.keys.edits(ref)]
    step = name.partition("/")[2].replace("_", " ")
    return database.run(f"{step} {ref.name}", name, keys, args)


def require_ok(ref: ListRef, reply: Sequence[Any]) -> Sequence[Any]:
    """Return what follows ``ok``.

    Raises:
        SegmentNotFound: the list was deleted.
        ImportInProgress: another import holds the list.
        Superseded: another import has superseded this one.
        Cancelled: somebody has cancelled this one.
        KeyInOtherList: a condition of an edit does not hold.
        ListUnknown: a shard or the record is missing.
    """
    verdict, *rest = reply
    match verdict:
        case b"ok":
            return rest
        case b"deleted":
            raise deleted(ref)
        case b"busy":
            message = f"segment {ref.segment} has an import running: {rest[0].decode()}"
            raise ImportInProgress(message)
        case b"superseded":
            raise Superseded(f"superseded by import {rest[0].decode()}")
        case b"cancelled":
            raise Cancelled(f"cancelled by {rest[0].decode()}")
        case b"clash":
            message = f"a key is in the other list of segment {ref.segment}; remove it there first"
            raise KeyInOtherList(message)
        case _:
            raise incomplete(ref)


def deleted(ref: ListRef) -> SegmentNotFound:
    """The error for a list that was deleted."""
    return SegmentNotFound(f"segment {ref.segment} (generation {ref.generation}) was deleted")


def incomplete(ref: ListRef) -> ListUnknown:
    """The error for a list of which a shard or the record is missing."""
    return ListUnknown(f"list {ref.name} is not whole on the server; import it again or restore it")
