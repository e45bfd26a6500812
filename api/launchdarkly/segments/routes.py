"""Create, get and delete segments."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.access.permissions import require_scope
from api.audit import audit_segment
from api.errors import InUse, InvalidRequest, KeyTaken
from api.launchdarkly.operations import NO_ENVIRONMENT, NO_SEGMENT
from api.launchdarkly.segments.access_field import describe_access
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
from api.launchdarkly.wire.parameters import SEGMENTS_ROUTE
from api.launchdarkly.wire.requests import EnvironmentRefOf, SegmentPathOf
from api.rest.operations import READ, WRITE, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf
from worker.store import (
    Definition,
    NewSegment,
    SegmentExists,
    SegmentNotFound,
    Store,
    remove_segment,
)

router = APIRouter(prefix=SEGMENTS_ROUTE, tags=["Segments"])


@router.post(
    "",
    operation_id="postSegment",
    status_code=201,
    response_model=UserSegment,
    dependencies=[RequireJson],
)
@operation(
    needs=WRITE,
    refuses={**NO_ENVIRONMENT, KeyTaken: "The environment has a segment with this key."},
)
def create_segment(
    body: NewSegmentBody, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create a segment with empty lists."""
    require_scope(caller, env.project, env.environment, body.key)
    new, store = _new_segment(body), services.store()
    try:
        segment = store.segments.create(env, new)
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


@router.get(
    "/{segmentKey}",
    operation_id="getSegment",
    response_model=UserSegment,
)
@operation(needs=READ, refuses=NO_SEGMENT)
def get_segment(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Get a segment; the counts of a big segment are current."""
    store = services.store()
    definition = store.segments.read(path.env, path.segment)
    state = read_state(store, definition.segment)
    access = describe_access(caller, definition.segment)
    return segment_response(represent(definition, state, _flags=[], _access=access))


@router.delete(
    "/{segmentKey}",
    operation_id="deleteSegment",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        InUse: "Rules of other segments refer to the segment; change them, or send `force`.",
    },
)
def delete_segment(
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    *,
    force: Annotated[
        bool,
        Query(
            description="Delete the segment although rules of other segments refer to it; "
            "those rules are in error from then on."
        ),
    ] = False,
) -> Response:
    """Delete a segment; its members are hidden at once, and a running import is stopped.

    A segment that rules of other segments refer to is deleted only with `force`: those rules
    are in error from then on and match nobody.
    """
    store = services.store()
    if services.settings.protect_referenced_segments and not force:
        require_unreferred(store, path.env, path.segment, caller)
    before = _summarize(store, path)
    deleted = remove_segment(store, path.env, path.segment)
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
    found = store.segments.read_many(path.env, [path.segment])[0]
    if found is None:  # deleting it reports that
        return {}
    try:
        state = read_state(store, found.segment)
    except SegmentNotFound:  # an earlier delete was interrupted here; this one continues it
        state = None
    return summarize_segment(found, state)
