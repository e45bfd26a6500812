"""Applies instructions about expiring targets, one after the other.

Not documented, chosen here: a time in the past, adding a schedule to a target that has one, and
updating or removing one that does not exist are faults of their instruction alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.launchdarkly.targeting.fields import Ids
from api.launchdarkly.targeting.stored import collect_targets, read_fields
from worker.store import (
    MOST_SCHEDULES,
    Definition,
    ScheduleAct,
    ScheduleAnswer,
    ScheduleChange,
    Segment,
    Side,
    Store,
    TargetSchedule,
    change_schedules,
    decode_schedules,
    read_schedules,
    retry_on_change,
    save_target_schedules,
)

_ID_LENGTH: Final = 24  # LaunchDarkly's are 24 hexadecimal digits

_FAULTS: Final[dict[ScheduleAnswer, str | None]] = {
    "done": None,
    "absent": "the context is not an individual target of this kind in that list",
    "there": "the target has an expiration date already; update it",
    "none": "the target has no expiration date",
    "version": "the version does not match; read the expiring targets again",
    "full": f"a big segment takes at most {MOST_SCHEDULES:,} expiring targets",
}
_PAST: Final = "value: that time is over"
_SEGMENT_VERSION: Final = "version: the segment has another version; read it again"


@dataclass(frozen=True, slots=True)
class ExpiryInstruction:
    """One instruction, the same for contexts and users."""

    act: ScheduleAct
    side: Side
    context_kind: str
    key: str
    due_ms: int
    """0 for a removal."""
    version: int | None = None
    """Of the schedule to be updated."""
    segment_version: int | None = None
    """Of the segment."""

    @property
    def target(self) -> tuple[Side, str, str]:
        """The target, as a schedule names it."""
        return self.side, self.context_kind, self.key


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a request."""

    faults: Sequence[str | None]
    """For each instruction: why it was not applied."""
    schedules: Sequence[TargetSchedule]
    """All schedules afterwards."""


def read_all_schedules(store: Store, segment: Segment) -> Sequence[TargetSchedule]:
    """Read all schedules of a segment, in no order.

    Cost: one round trip; for a big segment one per thousand schedules.

    Raises:
        SegmentNotFound: the segment was deleted.
        ListUnknown: or StoreUnavailable: no certain answer. Safe to retry.
    """
    if not segment.unbounded:
        return decode_schedules(store.segments.read(segment.env, segment.key))
    kind = segment.context_kind
    return [
        TargetSchedule(found.id, found.version, found.side, kind, found.key, found.due_ms)
        for found in read_schedules(store.database, segment.ref)
    ]


def apply_instructions(
    store: Store,
    segment: Segment,
    instructions: Sequence[ExpiryInstruction],
    *,
    now_ms: int,
    ids: Ids,
) -> Outcome:
    """Apply each instruction that can be applied.

    Those about a standard segment are one write of its definition; those about a big one are
    made in order, in steps of its list.

    Raises:
        ResourceChanged: others changed the segment during every attempt.
        SegmentNotFound: the segment was deleted.
        ListUnknown: or OutOfMemory, StoreUnavailable: some may be applied; read before a retry.
    """
    if segment.unbounded:
        return _apply_to_list(store, segment, instructions, now_ms, ids)

    def attempt() -> Outcome:
        current = store.segments.read(segment.env, segment.key)
        before = decode_schedules(current)
        faults, after = _apply_to_definition(current, before, instructions, now_ms, ids)
        if after != before:
            save_target_schedules(store.database, store.segments, current, after)
        return Outcome(faults, after)

    return retry_on_change(f"segment {segment.key}", attempt)


def _apply_to_list(
    store: Store,
    segment: Segment,
    instructions: Sequence[ExpiryInstruction],
    now_ms: int,
    ids: Ids,
) -> Outcome:
    faults = [_find_fault(instruction, segment, now_ms) for instruction in instructions]
    sound = [index for index, fault in enumerate(faults) if fault is None]
    changes = [_list_change(instructions[index], ids) for index in sound]
    answers = change_schedules(store.database, segment.ref, changes)
    for index, answer in zip(sound, answers, strict=True):
        faults[index] = _FAULTS[answer]
    return Outcome(faults, read_all_schedules(store, segment))


def _find_fault(instruction: ExpiryInstruction, segment: Segment, now_ms: int) -> str | None:
    """What is wrong with an instruction, regardless of the schedules."""
    if instruction.act != "remove" and instruction.due_ms <= now_ms:
        return _PAST
    if instruction.segment_version not in (None, segment.version):
        return _SEGMENT_VERSION
    if segment.unbounded and instruction.context_kind != segment.context_kind:
        return f"the segment holds contexts of kind {segment.context_kind} only"
    return None


def _list_change(instruction: ExpiryInstruction, ids: Ids) -> ScheduleChange:
    return ScheduleChange(
        instruction.act,
        instruction.side,
        instruction.key,
        instruction.due_ms,
        instruction.version,
        _new_id(ids) if instruction.act == "add" else "",
    )


def _apply_to_definition(
    current: Definition,
    before: Sequence[TargetSchedule],
    instructions: Iterable[ExpiryInstruction],
    now_ms: int,
    ids: Ids,
) -> tuple[list[str | None], tuple[TargetSchedule, ...]]:
    targets = collect_targets(read_fields(current))
    draft = {schedule.target: schedule for schedule in before}
    faults: list[str | None] = []
    for instruction in instructions:
        fault = _find_fault(instruction, current.segment, now_ms)
        if fault is None:
            keys = targets.get((instruction.side, instruction.context_kind), frozenset())
            is_target = instruction.key in keys
            fault = _FAULTS[_change_draft(draft, instruction, ids, is_target=is_target)]
        faults.append(fault)
    return faults, tuple(draft.values())


def _change_draft(
    draft: dict[tuple[Side, str, str], TargetSchedule],
    instruction: ExpiryInstruction,
    ids: Ids,
    *,
    is_target: bool,
) -> ScheduleAnswer:
    target, due_ms = instruction.target, instruction.due_ms
    schedule = draft.get(target)
    match instruction.act:
        case "add" if not is_target:
            return "absent"
        case "add" if schedule is not None:
            return "there"
        case "add":
            draft[target] = TargetSchedule(_new_id(ids), 1, *target, due_ms)
        case "update" | "remove" if schedule is None:
            return "none"
        case "update" if instruction.version not in (None, schedule.version):
            return "version"
        case "update":
            draft[target] = replace(schedule, version=schedule.version + 1, due_ms=due_ms)
        case "remove":
            del draft[target]
    return "done"


def _new_id(ids: Ids) -> str:
    return ids().replace("-", "")[:_ID_LENGTH]
