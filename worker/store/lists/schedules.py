"""Members of big segments that are removed at a set time.

A schedule exists as long as its membership: removing the member from its list removes the
schedule too, and a member that is added again has none.

All functions may raise ``StoreUnavailable``; reads are safe to retry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from worker.batches import batches
from worker.store.expiry_hints import Hint, note_hint
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists.scripts import require_ok, run
from worker.store.members import hash_member, pack_key, unpack_member
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument

ScheduleAct = Literal["add", "update", "remove"]
ScheduleAnswer = Literal["done", "absent", "there", "none", "version", "full"]

#: Schedules of one segment's lists: all of them come in one answer.
MOST_SCHEDULES: Final = 20_000
#: Changes in one call: 0.4 to 0.7 ms of server time.
_CHANGES_PER_CALL: Final = 50
#: Removals in one call: about 1 ms of server time.
_EXPIRED_PER_CALL: Final = 125

_SIDES: Final[dict[str, Side]] = {"i": INCLUDED, "e": EXCLUDED}
_HASH_END: Final = 9  # a letter and eight hexadecimal digits come before the member


@dataclass(frozen=True, slots=True)
class Schedule:
    """One pending removal."""

    id: str
    version: int
    """1, and one more with each update."""
    side: Side
    key: str
    due_ms: int


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """One change of the schedules."""

    act: ScheduleAct
    side: Side
    key: str
    due_ms: int = 0
    version: int | None = None
    """For an update: refuse it unless the schedule has this version."""
    id: str = ""
    """For an addition: the new schedule's."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What removing the due members of a list did."""

    removed: int
    kept: int
    """Due, but in a shard that is missing; removed later."""
    next_ms: int | None
    """When the next member is due."""


def change_schedules(
    database: Database,
    ref: ListRef,
    changes: Sequence[ScheduleChange],
    *,
    most: int = MOST_SCHEDULES,
) -> list[ScheduleAnswer]:
    """Make changes in order; a change that cannot be made is reported, not raised.

    Each 50 are one step. A time in the past makes the member expire at once.

    Returns:
        ``done`` for each change, or why it was not made: ``absent`` (the key is not in that
        list), ``there`` (it has a schedule), ``none`` (it has none), ``version`` or ``full``.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: a shard is missing; nothing of that step was changed.
        OutOfMemory: the server is full; nothing of that step was changed.
        StoreUnavailable: no answer. A retry may find its own changes made.
    """
    times = [change.due_ms for change in changes if change.act != "remove"]
    if times:
        note_hint(database, Hint.of_list(ref), min(times))
    answers: list[ScheduleAnswer] = []
    record, what = database.keys.list_record(ref), f"change schedules of {ref.name}"
    for group in batches(changes, _CHANGES_PER_CALL):
        arguments: list[Argument] = [most]
        for change in group:
            arguments += _encode_change(change)
        reply = database.run(what, "list/schedule", [record], arguments)
        answers += [answer.decode() for answer in require_ok(ref, reply)]
    if times:
        # Again: a worker that checked between the two has removed the first hint.
        note_hint(database, Hint.of_list(ref), min(times))
    return answers


def read_schedules(database: Database, ref: ListRef) -> list[Schedule]:
    """Read all schedules of a list, in no order; drops those that a flip has invalidated.

    Cost: one round trip per 125.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the record.
    """
    found = dict(_walk_schedules(database, ref))
    return [_parse_schedule(name, detail) for name, detail in found.items()]


def expire_members(database: Database, ref: ListRef) -> Expired:
    """Remove every member that is due, in steps of 125. Safe to repeat at any time.

    To readers, imports and counts it is as if the members had been removed by an edit.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the record.
    """
    removed = kept = 0
    while True:
        reply = run(database, ref, "list/expire", [kept, _EXPIRED_PER_CALL])
        seen, left, gone, following = require_ok(ref, reply)
        removed, kept = removed + gone, kept + left
        if seen < _EXPIRED_PER_CALL:
            return Expired(removed, kept, following if following >= 0 else None)


def earliest_schedule_ms(database: Database, refs: Sequence[ListRef]) -> list[int | None]:
    """Read when the first member of each list is due; includes invalidated schedules.

    Cost: one round trip for all.
    """
    with driver_errors("look for schedules"):
        pipeline = database.client.pipeline(transaction=False)
        for ref in refs:
            pipeline.zrange(database.keys.schedules(ref), 0, 0, withscores=True)
        replies = pipeline.execute()
    return [int(reply[0][1]) if reply else None for reply in replies]


def _walk_schedules(database: Database, ref: ListRef) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and detail of each schedule, some twice, in no order.

    A walk to the end that began after a flip leaves no schedule of a key that the flip has
    dropped, so that an import may bring it back. Cost: one round trip per 125.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the record.
    """
    cursor, walk = b"0", b""
    while True:
        reply = run(database, ref, "list/walk_schedules", [cursor, walk])
        cursor, walk, *found = require_ok(ref, reply)
        yield from zip(found[::2], found[1::2], strict=True)
        if cursor == b"0":
            return


def prune_schedules(database: Database, ref: ListRef) -> None:
    """Walk to the end; see :func:`_walk_schedules`."""
    for _ in _walk_schedules(database, ref):
        pass


def _encode_change(change: ScheduleChange) -> tuple[Argument, ...]:
    member = pack_key(change.key)
    version = "" if change.version is None else change.version
    side, hash32 = change.side[0], hash_member(member) >> 32
    return change.act, side, hash32, member, change.due_ms, version, change.id


def _parse_schedule(name: bytes, detail: bytes) -> Schedule:
    due_ms, version, id_ = detail.decode().split(" ")
    side, key = _SIDES[name[:1].decode()], unpack_member(name[_HASH_END:])
    return Schedule(id_, int(version), side, key, int(due_ms))
