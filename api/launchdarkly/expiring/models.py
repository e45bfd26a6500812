"""Bodies and answers of the two families of operations on expiring targets.

One family names a context by kind and key, the older one a user by key alone; both change the
same schedules. A malformed request is refused as a whole; a well-formed instruction that cannot
be applied is reported by itself. Clients check the answers strictly.

Not documented, chosen here: at most 1,000 instructions; times up to the year 9999.
Source: the pages of the four operations in the Segments API's documentation, and the
clients' models.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.bodies.models import Int32, Int64, StrictBody, WireModel
from api.launchdarkly.expiring.changes import ExpiryInstruction, Outcome
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind
from api.launchdarkly.wire.links import Links, SegmentPath, link
from worker.context_keys import KEY_LIMIT_BYTES, fault_of
from worker.store import ScheduleAct, TargetSchedule

MOST_INSTRUCTIONS: Final = 1_000
#: The end of the year 9999 in Unix milliseconds.
_LATEST_MS: Final = 253_402_300_799_999


def _require_usable(key: str) -> str:
    fault = fault_of(key)
    if fault is not None:
        raise ValueError(fault)
    return key


TargetType = Literal["included", "excluded"]
Key = Annotated[
    str,
    AfterValidator(_require_usable),
    Field(json_schema_extra={"minLength": 1, "maxLength": KEY_LIMIT_BYTES}),
]
Time = Annotated[Int64, Field(strict=True, ge=0, le=_LATEST_MS)]
Version = Annotated[Int32, Field(strict=True, ge=0)]


class _Instruction(StrictBody):
    #: What each kind does; the two families name their kinds differently.
    acts: ClassVar[dict[str, ScheduleAct]]

    kind: str
    target_type: TargetType
    value: Time | None = None
    version: Version | None = None

    @property
    def act(self) -> ScheduleAct:
        """What to do to the schedule."""
        return self.acts[self.kind]

    @property
    def expected_version(self) -> int | None:
        """The version that an update names; other instructions may have one, which is ignored."""
        return self.version if self.act == "update" else None

    @model_validator(mode="after")
    def _require_time(self) -> Self:
        if self.value is None and self.act != "remove":
            message = f"{self.kind} needs a value: Unix milliseconds"
            raise ValueError(message)
        return self


class ContextInstruction(_Instruction):
    """An instruction about a context."""

    acts: ClassVar[dict[str, ScheduleAct]] = {
        "addExpiringTarget": "add",
        "updateExpiringTarget": "update",
        "removeExpiringTarget": "remove",
    }

    kind: Literal["addExpiringTarget", "updateExpiringTarget", "removeExpiringTarget"]
    context_key: Key
    context_kind: ContextKind

    def to_expiry(self) -> ExpiryInstruction:
        """Convert to the form that both families share."""
        return ExpiryInstruction(
            self.act,
            self.target_type,
            self.context_kind,
            self.context_key,
            self.value or 0,
            version=self.expected_version,
        )


class UserInstruction(_Instruction):
    """An instruction about a user; ``version`` is the segment's."""

    acts: ClassVar[dict[str, ScheduleAct]] = {
        "addExpireUserTargetDate": "add",
        "updateExpireUserTargetDate": "update",
        "removeExpireUserTargetDate": "remove",
    }

    kind: Literal[
        "addExpireUserTargetDate", "updateExpireUserTargetDate", "removeExpireUserTargetDate"
    ]
    user_key: Key

    @model_validator(mode="after")
    def _require_version(self) -> Self:
        if self.version is None and self.act == "update":
            message = f"{self.kind} needs the segment's version"
            raise ValueError(message)
        return self

    def to_expiry(self) -> ExpiryInstruction:
        """Convert to the form that both families share."""
        return ExpiryInstruction(
            self.act,
            self.target_type,
            DEFAULT_KIND,
            self.user_key,
            self.value or 0,
            segment_version=self.expected_version,
        )


class PatchExpiringTargets(StrictBody):
    """Instructions about contexts."""

    comment: str | None = None
    instructions: Annotated[
        list[ContextInstruction],
        Field(min_length=1, max_length=MOST_INSTRUCTIONS, fail_fast=True),
    ]


class PatchExpiringUserTargets(StrictBody):
    """Instructions about users."""

    comment: str | None = None
    instructions: Annotated[
        list[UserInstruction],
        Field(min_length=1, max_length=MOST_INSTRUCTIONS, fail_fast=True),
    ]


class ResourceId(WireModel):
    """The segment of a target."""

    environment_key: str
    key: str
    kind: Literal["segment"] = "segment"
    project_key: str


class _Item(WireModel):
    id: str = Field(alias="_id")
    version: Int32 = Field(alias="_version")
    expiration_date: Int64
    target_type: TargetType
    resource_id: ResourceId = Field(alias="_resourceId")


class ExpiringTarget(_Item):
    """One context that is to be removed."""

    context_kind: str
    context_key: str


class ExpiringUserTarget(_Item):
    """One user that is to be removed."""

    user_key: str


class ExpiringTargets(WireModel):
    """All contexts that are to be removed."""

    items: list[ExpiringTarget]
    links: Links = Field(alias="_links")


class ExpiringUserTargets(WireModel):
    """All users that are to be removed."""

    items: list[ExpiringUserTarget]
    links: Links = Field(alias="_links")


class InstructionError(WireModel):
    """An instruction that was not applied, and why."""

    instruction_index: Int32
    message: str


class _Counts(WireModel):
    total_instructions: Int32
    successful_instructions: Int32
    failed_instructions: Int32
    errors: list[InstructionError] | None = None


class ExpiringTargetsPatched(ExpiringTargets, _Counts):
    """All contexts that are to be removed, and the outcome of the instructions."""


class ExpiringUserTargetsPatched(ExpiringUserTargets, _Counts):
    """The same for users."""


def list_contexts(path: SegmentPath, schedules: Iterable[TargetSchedule]) -> ExpiringTargets:
    """Represent schedules as those of contexts, the earliest first."""
    items = [
        ExpiringTarget(
            **_describe(path, schedule),
            context_kind=schedule.context_kind,
            context_key=schedule.key,
        )
        for schedule in _sort(schedules)
    ]
    return ExpiringTargets(items=items, links={"self": link(path.expiring_targets)})


def list_users(path: SegmentPath, schedules: Iterable[TargetSchedule]) -> ExpiringUserTargets:
    """Represent schedules as those of users, the earliest first; other kinds are left out."""
    items = [
        ExpiringUserTarget(**_describe(path, schedule), user_key=schedule.key)
        for schedule in _sort(schedules)
        if schedule.context_kind == DEFAULT_KIND
    ]
    return ExpiringUserTargets(items=items, links={"self": link(path.expiring_user_targets)})


def count_instructions(outcome: Outcome) -> dict[str, Any]:
    """Count the instructions that were applied, as fields of the answer."""
    errors = [
        InstructionError(instruction_index=index, message=fault)
        for index, fault in enumerate(outcome.faults)
        if fault is not None
    ]
    total = len(outcome.faults)
    return {
        "total_instructions": total,
        "successful_instructions": total - len(errors),
        "failed_instructions": len(errors),
        "errors": errors or None,
    }


def _sort(schedules: Iterable[TargetSchedule]) -> Sequence[TargetSchedule]:
    return sorted(schedules, key=lambda schedule: (schedule.due_ms, schedule.target))


def _describe(path: SegmentPath, schedule: TargetSchedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "version": schedule.version,
        "expiration_date": schedule.due_ms,
        "target_type": schedule.side,
        "resource_id": ResourceId(
            environment_key=path.environment, key=path.segment, project_key=path.project
        ),
    }
