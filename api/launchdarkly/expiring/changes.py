"""Following instructions about expiring targets, one after the other.

Not documented, chosen here: a time that is over, a target that has a schedule already and an
update or removal of one that is not there are faults of their instruction.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.errors import Conflict
from api.launchdarkly.expiring.bodies import ExpiryInstruction
from api.launchdarkly.targeting.stored import stored_targets
from worker.store import (
    MOST_SCHEDULES,
    Definition,
    ScheduleAnswer,
    ScheduleChange,
    Segment,
    SegmentChanged,
    Side,
    Store,
    change_schedules,
    read_schedules,
)
from worker.store.segments.expiry import save_target_schedules
from worker.store.segments.target_schedules import TargetSchedule, decode_schedules

Ids = Callable[[], str]

#: Instructions are followed anew each time another change was faster; so many can be.
_TRIES: Final = 20
_ID_LENGTH: Final = 24  # LaunchDarkly's are 24 hexadecimal digits

_FAULTS: Final[dict[ScheduleAnswer, str | None]] = {
    "done": None,
    "absent": "the context is not an individual target of this kind in that list",
    "there": "the target has an expiration date already; update it",
    "none": "the target has no expiration date",
    "version": "the version does not match; read the expiring targets again",
    "full": f"a big segment takes at most {MOST_SCHEDULES:,} expiring targets",
}
_OVER: Final = "value: that time is over"
_SEGMENT_VERSION: Final = "version: the segment has another version; read it again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a request."""

    faults: Sequence[str | None]
    """Of each instruction: why it was not followed."""
    schedules: Sequence[TargetSchedule]
    """All schedules afterwards."""


def schedules_of(store: Store, segment: Segment) -> Sequence[TargetSchedule]:
    """All schedules of a segment, in no order.

    Cost: one round trip; for a big segment one a thousand schedules.

    Raises:
        SegmentNotFound: the segment was deleted.
        ListUnknown: or StoreUnavailable: no certain answer. Safe to retry.
    """
    if not segment.unbounded:
        return decode_schedules(store.segments.read(segment.scope, segment.key).schedules)
    found = read_schedules(store.database, segment.ref)
    kind = segment.context_kind
    return [TargetSchedule(s.id, s.version, s.side, kind, s.key, s.due_ms) for s in found]


def follow(
    store: Store,
    segment: Segment,
    instructions: Sequence[ExpiryInstruction],
    *,
    now_ms: int,
    ids: Ids,
) -> Outcome:
    """Follow each instruction that can be followed.

    Those about a standard segment are one write of its definition, those about a big one are
    one step of its list: nobody sees some of them without the others.

    Raises:
        Conflict: others changed the segment faster, many times over.
        SegmentNotFound: the segment was deleted.
        ListUnknown: or OutOfMemory, StoreUnavailable: nothing is certain; read before a retry.
    """
    if segment.unbounded:
        return _follow_on_list(store, segment, instructions, now_ms, ids)
    for _ in range(_TRIES):
        current = store.segments.read(segment.scope, segment.key)
        before = decode_schedules(current.schedules)
        faults, after = _drafted(current, before, instructions, now_ms, ids)
        if after != before:
            try:
                save_target_schedules(store.database, store.segments, current, after)
            except SegmentChanged:
                continue
        return Outcome(faults, after)
    raise Conflict(f"segment {segment.key} changes too fast; try again later")


def _follow_on_list(
    store: Store,
    segment: Segment,
    instructions: Sequence[ExpiryInstruction],
    now_ms: int,
    ids: Ids,
) -> Outcome:
    faults: list[str | None] = [_early_fault(one, segment, now_ms) for one in instructions]
    sound = [index for index, fault in enumerate(faults) if fault is None]
    changes = [_list_change(instructions[index], ids) for index in sound]
    answers = change_schedules(store.database, segment.ref, changes)
    for index, answer in zip(sound, answers, strict=True):
        faults[index] = _FAULTS[answer]
    return Outcome(faults, schedules_of(store, segment))


def _early_fault(one: ExpiryInstruction, segment: Segment, now_ms: int) -> str | None:
    """What is wrong with an instruction whatever is scheduled."""
    if one.act != "remove" and one.due_ms <= now_ms:
        return _OVER
    if one.segment_version not in (None, segment.version):
        return _SEGMENT_VERSION
    if segment.unbounded and one.context_kind != segment.context_kind:
        return f"the segment holds contexts of kind {segment.context_kind} only"
    return None


def _list_change(one: ExpiryInstruction, ids: Ids) -> ScheduleChange:
    id_ = _new_id(ids) if one.act == "add" else ""
    return ScheduleChange(one.act, one.side, one.key, one.due_ms, one.version, id_)


def _drafted(
    current: Definition,
    before: Sequence[TargetSchedule],
    instructions: Iterable[ExpiryInstruction],
    now_ms: int,
    ids: Ids,
) -> tuple[list[str | None], tuple[TargetSchedule, ...]]:
    targets = stored_targets(current)
    draft = {one.target: one for one in before}
    faults: list[str | None] = []
    for one in instructions:
        fault = _early_fault(one, current.segment, now_ms)
        if fault is None:
            there = one.key in targets.get((one.side, one.context_kind), frozenset())
            fault = _FAULTS[_draft(draft, one, ids, is_target=there)]
        faults.append(fault)
    return faults, tuple(draft.values())


def _draft(
    draft: dict[tuple[Side, str, str], TargetSchedule],
    one: ExpiryInstruction,
    ids: Ids,
    *,
    is_target: bool,
) -> ScheduleAnswer:
    target = (one.side, one.context_kind, one.key)
    there = draft.get(target)
    match one.act:
        case "add" if not is_target:
            return "absent"
        case "add" if there is not None:
            return "there"
        case "add":
            draft[target] = TargetSchedule(
                _new_id(ids), 1, one.side, one.context_kind, one.key, one.due_ms
            )
        case "update" | "remove" if there is None:
            return "none"
        case "update" if one.version not in (None, there.version):
            return "version"
        case "update":
            draft[target] = replace(there, version=there.version + 1, due_ms=one.due_ms)
        case "remove":
            del draft[target]
    return "done"


def _new_id(ids: Ids) -> str:
    return ids().replace("-", "")[:_ID_LENGTH]
