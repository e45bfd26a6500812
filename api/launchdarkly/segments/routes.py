"""Create, get and delete segments."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from api.audit import audit_segment
from api.errors import InvalidRequest
from api.launchdarkly.operations import require_scope
from api.launchdarkly.segments.access import access_of
from api.launchdarkly.segments.list_states import state_of
from api.launchdarkly.segments.referrers import require_unreferred
from api.launchdarkly.segments.representation import NewSegmentBody, UserSegment, user_segment
from api.launchdarkly.segments.summaries import segment_summary
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody, ScopeOf, SegmentPathOf
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, ServicesOf
from worker.store import (
    Definition,
    NewSegment,
    SegmentExists,
    SegmentNotFound,
    Store,
    remove_segment,
)

_DEFAULT_KIND: Final = "user"
_RESERVED_KINDS: Final = ("kind", "multi")


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])
    routes.post(
        "",
        operation_id="postSegment",
        status_code=201,
        response_model=UserSegment,
        response_model_exclude_none=True,
        dependencies=[RequireJson],
    )(create_segment)
    routes.get(
        "/{segmentKey}",
        operation_id="getSegment",
        response_model=UserSegment,
        response_model_exclude_none=True,
    )(get_segment)
    routes.delete(
        "/{segmentKey}",
        operation_id="deleteSegment",
        status_code=204,
        dependencies=[RequireNoBody],
    )(delete_segment)
    return routes


def create_segment(
    body: NewSegmentBody, scope: ScopeOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create a segment with empty lists."""
    require_scope(caller, scope.project, scope.environment, body.key)
    kind = body.unboundedContextKind or _DEFAULT_KIND
    if kind in _RESERVED_KINDS:
        raise InvalidRequest(f"unboundedContextKind: {kind} is reserved")
    new = NewSegment(
        key=body.key,
        name=body.name,
        description=body.description,
        tags=tuple(dict.fromkeys(body.tags or ())),
        unbounded=bool(body.unbounded),
        context_kind=kind,
    )
    store = services.store()
    try:
        segment = store.segments.create(scope, new)
    except SegmentExists as exc:
        raise SegmentExists("Duplicate segment key") from exc
    created = Definition(segment, None)
    audit_segment(
        services,
        caller,
        segment,
        action="createSegment",
        verb="created the segment",
        after=segment_summary(created, None),
    )
    shown_segment = user_segment(created, state_of(store, segment))
    shown_segment.access = access_of(caller, segment)
    return shown(shown_segment, 201)


def get_segment(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Read a segment; the counts of a big one are those of this moment."""
    store = services.store()
    definition = store.segments.read(path.scope, path.segment)
    segment = user_segment(definition, state_of(store, definition.segment))
    segment.flags = []
    segment.access = access_of(caller, definition.segment)
    return shown(segment)


def delete_segment(
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    *,
    force: Annotated[bool, Query()] = False,
) -> Response:
    """Delete a segment; its members are hidden at once, and a running import is stopped.

    One that rules of other segments refer to is deleted only with `force`: those rules are in
    error from then on, and make nobody a member.
    """
    store = services.store()
    if services.settings.protect_referenced_segments and not force:
        require_unreferred(store, path.scope, path.segment, caller)
    before = _summary(store, path)
    deleted = remove_segment(store, path.scope, path.segment)
    audit_segment(
        services,
        caller,
        deleted,
        action="deleteSegment",
        verb="deleted the segment",
        before=before,
    )
    return Response(status_code=204)


def _summary(store: Store, path: SegmentPath) -> dict[str, Any]:
    found = store.segments.read_many(path.scope, [path.segment])[0]
    if found is None:  # the deletion says so
        return {}
    try:
        state = state_of(store, found.segment)
    except SegmentNotFound:  # an earlier delete was cut off here; this one goes on with it
        state = None
    return segment_summary(found, state)
