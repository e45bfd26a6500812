"""``…/expiring-targets/…`` and ``…/expiring-user-targets/…``: targets for a time.

The paths name the segment before its environment. LaunchDarkly's command line fills the two
in the other way round, so that reading is taken where the documented one leads nowhere.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from api.launchdarkly.expiring_bodies import (
    ExpiryInstruction,
    PatchExpiringTargets,
    PatchExpiringUserTargets,
)
from api.launchdarkly.expiring_changes import Outcome, follow, schedules_of
from api.launchdarkly.expiring_shapes import (
    ExpiringTargets,
    ExpiringTargetsPatched,
    ExpiringUserTargets,
    ExpiringUserTargetsPatched,
    context_targets,
    counts,
    user_targets,
)
from api.launchdarkly.paths import SegmentPath
from api.launchdarkly.requests import RequireJson, SegmentPathOf
from api.launchdarkly.responses import shown
from api.services import Services, ServicesOf
from worker.store import EnvironmentNotFound, Segment, SegmentNotFound, Store

_CONTEXTS: Final = "/{segmentKey}/expiring-targets/{environmentKey}"
_USERS: Final = "/{segmentKey}/expiring-user-targets/{environmentKey}"


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/api/v2/segments/{projectKey}", tags=["Segments"])
    routes.get(
        _CONTEXTS,
        operation_id="getExpiringTargetsForSegment",
        response_model=ExpiringTargets,
        response_model_exclude_none=True,
    )(get_expiring_targets)
    routes.patch(
        _CONTEXTS,
        operation_id="patchExpiringTargetsForSegment",
        response_model=ExpiringTargetsPatched,
        response_model_exclude_none=True,
        dependencies=[RequireJson],
    )(patch_expiring_targets)
    routes.get(
        _USERS,
        operation_id="getExpiringUserTargetsForSegment",
        response_model=ExpiringUserTargets,
        response_model_exclude_none=True,
    )(get_expiring_user_targets)
    routes.patch(
        _USERS,
        operation_id="patchExpiringUserTargetsForSegment",
        response_model=ExpiringUserTargetsPatched,
        response_model_exclude_none=True,
        dependencies=[RequireJson],
    )(patch_expiring_user_targets)
    return routes


def get_expiring_targets(path: SegmentPathOf, services: ServicesOf) -> Response:
    """List the contexts that are to be removed from a segment, the earliest first."""
    store = services.store()
    segment = _segment(store, path)
    return shown(context_targets(_path(segment), schedules_of(store, segment)))


def patch_expiring_targets(
    body: PatchExpiringTargets, path: SegmentPathOf, services: ServicesOf
) -> Response:
    """Change when contexts are removed; each instruction that can be followed is."""
    found, outcome = _followed(services, path, [one.read() for one in body.instructions])
    targets = context_targets(found, outcome.schedules)
    return shown(
        ExpiringTargetsPatched(items=targets.items, links=targets.links, **counts(outcome))
    )


def get_expiring_user_targets(path: SegmentPathOf, services: ServicesOf) -> Response:
    """List the users that are to be removed from a segment, the earliest first."""
    store = services.store()
    segment = _segment(store, path)
    return shown(user_targets(_path(segment), schedules_of(store, segment)))


def patch_expiring_user_targets(
    body: PatchExpiringUserTargets, path: SegmentPathOf, services: ServicesOf
) -> Response:
    """Change when users are removed; each instruction that can be followed is."""
    found, outcome = _followed(services, path, [one.read() for one in body.instructions])
    targets = user_targets(found, outcome.schedules)
    return shown(
        ExpiringUserTargetsPatched(items=targets.items, links=targets.links, **counts(outcome))
    )


def _followed(
    services: Services, path: SegmentPath, instructions: Sequence[ExpiryInstruction]
) -> tuple[SegmentPath, Outcome]:
    store = services.store()
    segment = _segment(store, path)
    outcome = follow(store, segment, instructions, now_ms=services.clock(), ids=services.ids)
    return _path(segment), outcome


def _segment(store: Store, path: SegmentPath) -> Segment:
    """The segment that the path means.

    Raises:
        SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: neither reading leads to one.
        StoreUnavailable: no answer. Safe to retry.
    """
    try:
        return store.segments.get(path.scope, path.segment)
    except (EnvironmentNotFound, SegmentNotFound):
        swapped = SegmentPath(path.project, environment=path.segment, segment=path.environment)
        try:
            return store.segments.get(swapped.scope, swapped.segment)
        except (EnvironmentNotFound, SegmentNotFound):
            pass
        raise


def _path(segment: Segment) -> SegmentPath:
    return SegmentPath(segment.scope.project, segment.scope.environment, segment.key)
