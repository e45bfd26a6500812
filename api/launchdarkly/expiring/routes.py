"""``…/expiring-targets/…`` and ``…/expiring-user-targets/…``: targets for a time.

The paths name the segment before its environment. LaunchDarkly's command line fills the two
in the other way round, so that reading is taken where the documented one leads nowhere.
"""

from collections import Counter
from typing import Final

from fastapi import APIRouter, Response

from api.access.auth import Caller
from api.audit import audit_segment
from api.errors import Conflict, Forbidden
from api.launchdarkly.expiring.bodies import (
    PatchExpiringTargets,
    PatchExpiringUserTargets,
)
from api.launchdarkly.expiring.changes import Outcome, follow, schedules_of
from api.launchdarkly.expiring.shapes import (
    ExpiringTargets,
    ExpiringTargetsPatched,
    ExpiringUserTargets,
    ExpiringUserTargetsPatched,
    context_targets,
    counts,
    user_targets,
)
from api.launchdarkly.operations import (
    NO_SEGMENT,
    READ_EITHER_WAY,
    WRITE_EITHER_WAY,
    Refusals,
    operation,
)
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import RequireJson, SegmentPathOf
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentNotFound, Segment, SegmentNotFound, Store

router = APIRouter(prefix="/api/v2/segments/{projectKey}", tags=["Segments"])

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
@operation(needs=READ_EITHER_WAY, refuses=NO_SEGMENT)
def get_expiring_targets(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """List the contexts that will be removed from a segment, the earliest first."""
    store = services.store()
    segment = _segment(store, path, caller)
    return shown(context_targets(_path(segment), schedules_of(store, segment)))


@router.patch(
    _CONTEXTS,
    operation_id="patchExpiringTargetsForSegment",
    response_model=ExpiringTargetsPatched,
    dependencies=[RequireJson],
)
@operation(needs=WRITE_EITHER_WAY, refuses=_PATCH_REFUSES)
def patch_expiring_targets(
    body: PatchExpiringTargets, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change when contexts are removed; every instruction that can be applied is applied."""
    found, outcome = _followed(services, caller, path, body)
    targets = context_targets(found, outcome.schedules)
    return shown(
        ExpiringTargetsPatched(items=targets.items, links=targets.links, **counts(outcome))
    )


@router.get(
    _USERS,
    operation_id="getExpiringUserTargetsForSegment",
    response_model=ExpiringUserTargets,
)
@operation(needs=READ_EITHER_WAY, refuses=NO_SEGMENT)
def get_expiring_user_targets(
    path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """List the users that will be removed from a segment, the earliest first."""
    store = services.store()
    segment = _segment(store, path, caller)
    return shown(user_targets(_path(segment), schedules_of(store, segment)))


@router.patch(
    _USERS,
    operation_id="patchExpiringUserTargetsForSegment",
    response_model=ExpiringUserTargetsPatched,
    dependencies=[RequireJson],
)
@operation(needs=WRITE_EITHER_WAY, refuses=_PATCH_REFUSES)
def patch_expiring_user_targets(
    body: PatchExpiringUserTargets, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change when users are removed; every instruction that can be applied is applied."""
    found, outcome = _followed(services, caller, path, body)
    targets = user_targets(found, outcome.schedules)
    return shown(
        ExpiringUserTargetsPatched(items=targets.items, links=targets.links, **counts(outcome))
    )


def _followed(
    services: Services,
    caller: Caller,
    path: SegmentPath,
    body: PatchExpiringTargets | PatchExpiringUserTargets,
) -> tuple[SegmentPath, Outcome]:
    store = services.store()
    segment = _segment(store, path, caller)
    instructions = [one.read() for one in body.instructions]
    outcome = follow(store, segment, instructions, now_ms=services.clock(), ids=services.ids)
    followed = zip(body.instructions, outcome.faults, strict=True)
    done = Counter(one.kind for one, fault in followed if fault is None)
    if done:
        audit_segment(
            services,
            caller,
            segment,
            action="updateExpiringTargets",
            verb="changed when targets of the segment expire",
            comment=body.comment,
            after={"instructions": dict(done)},
        )
    return _path(segment), outcome


def _segment(store: Store, path: SegmentPath, caller: Caller) -> Segment:
    """The segment that the path means to this caller.

    Raises:
        Forbidden: neither reading is in the caller's scope.
        SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: neither reading leads to one.
        StoreUnavailable: no answer. Safe to retry.
    """
    swapped = SegmentPath(path.project, environment=path.segment, segment=path.environment)
    readings = [
        one
        for one in (path, swapped)
        if caller.scope.allows(one.project, one.environment, one.segment)
    ]
    if not readings:
        raise Forbidden
    found = None
    for one in readings:
        try:
            return store.segments.get(one.scope, one.segment)
        except (EnvironmentNotFound, SegmentNotFound) as exc:
            found = found or exc
    assert found is not None  # noqa: S101 - there was a reading, and it led nowhere
    raise found


def _path(segment: Segment) -> SegmentPath:
    return SegmentPath(segment.scope.project, segment.scope.environment, segment.key)
