"""What a request says about expiring targets, in either of its two families.

One family names a context by kind and key, the older one a user by key alone; both are about
the same schedules. A request of the wrong form is refused as a whole; what a well-formed
instruction asks may still not be possible, which is then said of that instruction.

Not documented, chosen here: at most 1,000 instructions; times up to the year 9999.
Source: the pages of the four operations in the Segments API's documentation.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from api.bodies.integers import Int32, Int64
from api.bodies.strict import StrictBody
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind
from worker.context_keys import KEY_LIMIT_BYTES, fault_of
from worker.store import ScheduleAct, Side

MOST_INSTRUCTIONS: Final = 1_000
#: The end of the year 9999 in Unix milliseconds.
_LATEST_MS: Final = 253_402_300_799_999

TargetType = Literal["included", "excluded"]


@dataclass(frozen=True, slots=True)
class ExpiryInstruction:
    """One instruction, in no family's words."""

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


def _usable(key: str) -> str:
    fault = fault_of(key)
    if fault is not None:
        raise ValueError(fault)
    return key


Key = Annotated[
    str,
    AfterValidator(_usable),
    Field(json_schema_extra={"minLength": 1, "maxLength": KEY_LIMIT_BYTES}),
]
Time = Annotated[Int64, Field(strict=True, ge=0, le=_LATEST_MS)]
Version = Annotated[Int32, Field(strict=True, ge=0)]


class _Instruction(StrictBody):
    model_config = ConfigDict(frozen=True)

    #: Kinds by what they do; their spelling is each family's.
    acts: ClassVar[dict[str, ScheduleAct]]

    kind: str
    targetType: TargetType  # noqa: N815 - wire name
    value: Time | None = None
    version: Version | None = None

    @property
    def act(self) -> ScheduleAct:
        """What is to be done."""
        return self.acts[self.kind]

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.value is None and self.act != "remove":
            message = f"{self.kind} needs a value: Unix milliseconds"
            raise ValueError(message)
        return self


class ContextInstruction(_Instruction):
    """About a context."""

    acts: ClassVar[dict[str, ScheduleAct]] = {
        "addExpiringTarget": "add",
        "updateExpiringTarget": "update",
        "removeExpiringTarget": "remove",
    }

    kind: Literal["addExpiringTarget", "updateExpiringTarget", "removeExpiringTarget"]
    contextKey: Key  # noqa: N815 - wire name
    contextKind: ContextKind  # noqa: N815 - wire name

    def read(self) -> ExpiryInstruction:
        """The instruction in no family's words."""
        act, due_ms = self.act, self.value or 0
        version = self.version if act == "update" else None
        return ExpiryInstruction(
            act, self.targetType, self.contextKind, self.contextKey, due_ms, version=version
        )


class UserInstruction(_Instruction):
    """About a user; ``version`` is the segment's."""

    acts: ClassVar[dict[str, ScheduleAct]] = {
        "addExpireUserTargetDate": "add",
        "updateExpireUserTargetDate": "update",
        "removeExpireUserTargetDate": "remove",
    }

    kind: Literal[
        "addExpireUserTargetDate", "updateExpireUserTargetDate", "removeExpireUserTargetDate"
    ]
    userKey: Key  # noqa: N815 - wire name

    @model_validator(mode="after")
    def _has_a_version(self) -> Self:
        if self.version is None and self.act == "update":
            message = f"{self.kind} needs the segment's version"
            raise ValueError(message)
        return self

    def read(self) -> ExpiryInstruction:
        """The instruction in no family's words."""
        act, due_ms = self.act, self.value or 0
        version = self.version if act == "update" else None
        return ExpiryInstruction(
            act, self.targetType, DEFAULT_KIND, self.userKey, due_ms, segment_version=version
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
