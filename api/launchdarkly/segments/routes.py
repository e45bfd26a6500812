"""Create, get and delete segments."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.audit import audit_segment
from api.errors import InvalidRequest
from api.launchdarkly.operations import require_scope
from api.launchdarkly.segments.access import describe_access
from api.launchdarkly.segments.audit_entries import summarize_segment
from api.launchdarkly.segments.references import require_unreferred
from api.launchdarkly.segments.representation import (
    NewSegmentBody,
    UserSegment,
    read_state,
    represent,
    segment_response,
)
from api.launchdarkly.targeting.fields import DEFAULT_KIND, RESERVED_KINDS
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody, ScopeOf, SegmentPathOf
from api.services.services import CallerOf, ServicesOf
from worker.store import (
    Definition,
    NewSegment,
    SegmentExists,
    SegmentNotFound,
    Store,
    remove_segment,
)


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
    new, store = _new_segment(body), services.store()
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
        after=summarize_segment(created, None),
    )
    access = describe_access(caller, segment)
    return segment_response(represent(created, read_state(store, segment), _access=access), 201)


def get_segment(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Read a segment; the counts of a big one are those of this moment."""
    store = services.store()
    definition = store.segments.read(path.scope, path.segment)
    state = read_state(store, definition.segment)
    access = describe_access(caller, definition.segment)
    return segment_response(represent(definition, state, _flags=[], _access=access))


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
    before = _summarize(store, path)
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


def _new_segment(body: NewSegmentBody) -> NewSegment:
    kind = body.unbounded_context_kind or DEFAULT_KIND
    if kind in RESERVED_KINDS:
        raise InvalidRequest(f"unboundedContextKind: {kind} is reserved")
    return NewSegment(
        key=body.key,
        name=body.name,
        description=body.description,
        tags=tuple(dict.fromkeys(body.tags or ())),
        unbounded=bool(body.unbounded),
        context_kind=kind,
    )


def _summarize(store: Store, path: SegmentPath) -> dict[str, Any]:
    found = store.segments.read_many(path.scope, [path.segment])[0]
    if found is None:  # the deletion says so
        return {}
    try:
        state = read_state(store, found.segment)
    except SegmentNotFound:  # an earlier delete was cut off here; this one continues it
        state = None
    return summarize_segment(found, state)
