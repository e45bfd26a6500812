"""Expiring targets as LaunchDarkly's clients see them; they check them strictly.

Source: the clients' models of the four operations.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.bodies.models import Int32, Int64
from api.launchdarkly.expiring.bodies import TargetType
from api.launchdarkly.expiring.changes import Outcome
from api.launchdarkly.targeting.fields import DEFAULT_KIND
from api.launchdarkly.wire.links import Links, SegmentPath, link
from worker.store.segments.target_schedules import TargetSchedule


class _Wire(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)


class ResourceId(_Wire):
    """The segment that a target is of."""

    environmentKey: str  # noqa: N815 - wire name
    key: str
    kind: Literal["segment"] = "segment"
    projectKey: str  # noqa: N815 - wire name


class _Item(_Wire):
    id: str = Field(alias="_id")
    version: Int32 = Field(alias="_version")
    expirationDate: Int64  # noqa: N815 - wire name
    targetType: TargetType  # noqa: N815 - wire name
    resource_id: ResourceId = Field(alias="_resourceId")


class ExpiringTarget(_Item):
    """One context that is to be removed."""

    contextKind: str  # noqa: N815 - wire name
    contextKey: str  # noqa: N815 - wire name


class ExpiringUserTarget(_Item):
    """One user that is to be removed."""

    userKey: str  # noqa: N815 - wire name


class ExpiringTargets(_Wire):
    """All contexts that are to be removed."""

    items: list[ExpiringTarget]
    links: Links = Field(alias="_links")


class ExpiringUserTargets(_Wire):
    """All users that are to be removed."""

    items: list[ExpiringUserTarget]
    links: Links = Field(alias="_links")


class InstructionError(_Wire):
    """An instruction that was not followed, and why."""

    instructionIndex: Int32  # noqa: N815 - wire name
    message: str


class _Counts(_Wire):
    totalInstructions: Int32  # noqa: N815 - wire name
    successfulInstructions: Int32  # noqa: N815 - wire name
    failedInstructions: Int32  # noqa: N815 - wire name
    errors: list[InstructionError] | None = None


class ExpiringTargetsPatched(ExpiringTargets, _Counts):
    """All contexts that are to be removed from now on, and what became of the instructions."""


class ExpiringUserTargetsPatched(ExpiringUserTargets, _Counts):
    """The same for users."""


def context_targets(path: SegmentPath, schedules: Iterable[TargetSchedule]) -> ExpiringTargets:
    """Schedules as one family shows them, the earliest first."""
    items = [
        ExpiringTarget(
            id=one.id,
            version=one.version,
            expirationDate=one.due_ms,
            targetType=one.side,
            resource_id=_resource(path),
            contextKind=one.context_kind,
            contextKey=one.key,
        )
        for one in _in_order(schedules)
    ]
    return ExpiringTargets(items=items, links={"self": link(path.expiring_targets)})


def user_targets(path: SegmentPath, schedules: Iterable[TargetSchedule]) -> ExpiringUserTargets:
    """Schedules as the other family shows them: those of kind ``user``."""
    items = [
        ExpiringUserTarget(
            id=one.id,
            version=one.version,
            expirationDate=one.due_ms,
            targetType=one.side,
            resource_id=_resource(path),
            userKey=one.key,
        )
        for one in _in_order(schedules)
        if one.context_kind == DEFAULT_KIND
    ]
    return ExpiringUserTargets(items=items, links={"self": link(path.expiring_user_targets)})


def counts(outcome: Outcome) -> dict[str, object]:
    """What became of the instructions, as fields of the answer."""
    errors = [
        InstructionError(instructionIndex=index, message=fault)
        for index, fault in enumerate(outcome.faults)
        if fault is not None
    ]
    total = len(outcome.faults)
    return {
        "totalInstructions": total,
        "successfulInstructions": total - len(errors),
        "failedInstructions": len(errors),
        "errors": errors or None,
    }


def _in_order(schedules: Iterable[TargetSchedule]) -> Sequence[TargetSchedule]:
    return sorted(schedules, key=lambda one: (one.due_ms, one.target))


def _resource(path: SegmentPath) -> ResourceId:
    return ResourceId(environmentKey=path.environment, key=path.segment, projectKey=path.project)
