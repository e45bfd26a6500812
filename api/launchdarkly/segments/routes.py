"""Create, get and delete segments."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from api.access.permissions import require_scope
from api.audit import audit_segment
from api.errors import InUse, InvalidRequest, KeyTaken
from api.launchdarkly.operations import (
    NO_ENVIRONMENT,
    NO_SEGMENT,
    READ,
    WRITE,
    operation,
)
from api.launchdarkly.segments.access import access_of
from api.launchdarkly.segments.list_states import state_of
from api.launchdarkly.segments.referrers import require_unreferred
from api.launchdarkly.segments.representation import NewSegmentBody, UserSegment, user_segment
from api.launchdarkly.segments.summaries import segment_summary
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody, ScopeOf, SegmentPathOf
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, ServicesOf
from worker.store import Definition, JobRef, NewSegment, SegmentExists, SegmentNotFound, Store

router = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])

_DEFAULT_KIND: Final = "user"
_RESERVED_KINDS: Final = ("kind", "multi")
#: Seconds for which the record of an import that a delete has stopped can be read.
_KEEP_STOPPED_S: Final = 30 * 86_400


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


@router.get(
    "/{segmentKey}",
    operation_id="getSegment",
    response_model=UserSegment,
)
@operation(needs=READ, refuses=NO_SEGMENT)
def get_segment(path: SegmentPathOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Get a segment; the counts of a big segment are current."""
    store = services.store()
    definition = store.segments.read(path.scope, path.segment)
    segment = user_segment(definition, state_of(store, definition.segment))
    segment.flags = []
    segment.access = access_of(caller, definition.segment)
    return shown(segment)


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
        require_unreferred(store, path.scope, path.segment, caller)
    before = _summary(store, path)
    deleted, building = store.segments.delete(path.scope, path.segment)
    audit_segment(
        services,
        caller,
        deleted,
        action="deleteSegment",
        verb="deleted the segment",
        before=before,
    )
    if building is not None:
        ref = JobRef("import", path.scope, building)
        store.jobs.end(ref, "stopped", reason="segment deleted", keep_s=_KEEP_STOPPED_S)
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
