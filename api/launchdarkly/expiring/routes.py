"""``…/expiring-targets/…`` and ``…/expiring-user-targets/…``: targets for a limited time.

The paths name the segment before its environment. LaunchDarkly's command line swaps the two, so
a path that names nothing as documented is tried the other way round.
"""

from collections import Counter
from typing import Final

from fastapi import APIRouter, Response

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.models import json_response
from api.errors import Conflict, Forbidden
from api.launchdarkly.expiring.changes import Outcome, apply_instructions, read_all_schedules
from api.launchdarkly.expiring.models import (
    ExpiringTargets,
    ExpiringTargetsPatched,
    ExpiringUserTargets,
    ExpiringUserTargetsPatched,
    PatchExpiringTargets,
    PatchExpiringUserTargets,
    count_instructions,
    list_contexts,
    list_users,
)
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import PREFIX, SegmentPath
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import (
    READ_CHECKED_BY_HANDLER,
    WRITE_CHECKED_BY_HANDLER,
    Refusals,
    operation,
)
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentNotFound, Segment, SegmentNotFound, Store

router = APIRouter(prefix=f"{PREFIX}/segments/{{projectKey}}", tags=["Segments"])

_CONTEXTS: Final = "/{segmentKey}/expiring-targets/{environmentKey}"
_USERS: Final = "/{segmentKey}/expiring-user-targets/{environmentKey}"
_PATCH_REFUSES: Final[Refusals] = {
    **NO_SEGMENT,
    Conflict: "The targets keep changing; read them again, then try again.",
}


@router.get(
    _CONTEXTS,
    operation_id="getExpiringTargetsForSegment",
    response_model=ExpiringTargets,
)
@operation(needs=READ_CHECKED_BY_HANDLER, refuses=NO_SEGMENT)
def get_expiring_targets(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """List the contexts that will be removed from a segment, the earliest first."""
    store = services.store()
    segment = _find_segment(store, path, caller)
    return json_response(list_contexts(SegmentPath.of(segment), read_all_schedules(store, segment)))


@router.patch(
    _CONTEXTS,
    operation_id="patchExpiringTargetsForSegment",
    response_model=ExpiringTargetsPatched,
    dependencies=[RequireJson],
)
@operation(needs=WRITE_CHECKED_BY_HANDLER, refuses=_PATCH_REFUSES)
def patch_expiring_targets(
    body: PatchExpiringTargets, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change when contexts are removed; every instruction that can be applied is applied."""
    found, outcome = _apply(services, caller, path, body)
    targets = list_contexts(found, outcome.schedules)
    return json_response(
        ExpiringTargetsPatched(
            items=targets.items, links=targets.links, **count_instructions(outcome)
        )
    )


@router.get(
    _USERS,
    operation_id="getExpiringUserTargetsForSegment",
    response_model=ExpiringUserTargets,
)
@operation(needs=READ_CHECKED_BY_HANDLER, refuses=NO_SEGMENT)
def get_expiring_user_targets(
    path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """List the users that will be removed from a segment, the earliest first."""
    store = services.store()
    segment = _find_segment(store, path, caller)
    return json_response(list_users(SegmentPath.of(segment), read_all_schedules(store, segment)))


@router.patch(
    _USERS,
    operation_id="patchExpiringUserTargetsForSegment",
    response_model=ExpiringUserTargetsPatched,
    dependencies=[RequireJson],
)
@operation(needs=WRITE_CHECKED_BY_HANDLER, refuses=_PATCH_REFUSES)
def patch_expiring_user_targets(
    body: PatchExpiringUserTargets, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change when users are removed; every instruction that can be applied is applied."""
    found, outcome = _apply(services, caller, path, body)
    targets = list_users(found, outcome.schedules)
    return json_response(
        ExpiringUserTargetsPatched(
            items=targets.items, links=targets.links, **count_instructions(outcome)
        )
    )


def _apply(
    services: Services,
    caller: Caller,
    path: SegmentPath,
    body: PatchExpiringTargets | PatchExpiringUserTargets,
) -> tuple[SegmentPath, Outcome]:
    store = services.store()
    segment = _find_segment(store, path, caller)
    instructions = [instruction.to_expiry() for instruction in body.instructions]
    outcome = apply_instructions(
        store, segment, instructions, now_ms=services.clock(), ids=services.ids
    )
    attempted = zip(body.instructions, outcome.faults, strict=True)
    applied = Counter(instruction.kind for instruction, fault in attempted if fault is None)
    if applied:
        audit_segment(
            services,
            caller,
            segment,
            action="updateExpiringTargets",
            verb="changed when targets of the segment expire",
            comment=body.comment,
            after={"instructions": dict(applied)},
        )
    return SegmentPath.of(segment), outcome


def _find_segment(store: Store, path: SegmentPath, caller: Caller) -> Segment:
    """Find the segment that the path names for this caller.

    Raises:
        Forbidden: neither reading is in the caller's scope.
        SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: neither reading finds it.
    """
    swapped = SegmentPath(path.project, environment=path.segment, segment=path.environment)
    readings = [
        reading
        for reading in (path, swapped)
        if caller.scope.allows(reading.project, reading.environment, reading.segment)
    ]
    if not readings:
        raise Forbidden
    found = None
    for reading in readings:
        try:
            return store.segments.get(reading.env, reading.segment)
        except (EnvironmentNotFound, SegmentNotFound) as exc:
            found = found or exc
    assert found is not None  # noqa: S101 - there was a reading, and it found nothing
    raise found
