"""Create, list, get and delete segments."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from api.errors import InvalidRequest
from api.launchdarkly.paths import segments_path
from api.launchdarkly.requests import RequireJson, ScopeOf, SegmentPathOf
from api.launchdarkly.shapes import (
    NewSegmentBody,
    UserSegment,
    UserSegments,
    page_links,
    shown_segments,
    user_segment,
)
from api.services import ServicesOf
from worker.store import (
    JobRef,
    ListState,
    ListUnknown,
    NewSegment,
    Segment,
    SegmentExists,
    SegmentNotFound,
    Store,
    StoreUnavailable,
)

_DEFAULT_KIND: Final = "user"
_RESERVED_KINDS: Final = ("kind", "multi")
_SORTS: Final = {
    "creationDate": lambda one: one.created_ms,
    "name": lambda one: one.name,
    "lastModified": lambda one: one.modified_ms,
}
#: Seconds for which the record of an import that a delete has stopped can be read.
_KEEP_STOPPED_S: Final = 30 * 86_400
#: A page is read anew when a segment on it is deleted meanwhile.
_LIST_TRIES: Final = 5


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])
    routes.get("", operation_id="getSegments", response_model_exclude_none=True)(list_segments)
    routes.post(
        "",
        operation_id="postSegment",
        status_code=201,
        response_model_exclude_none=True,
        dependencies=[RequireJson],
    )(create_segment)
    routes.get("/{segmentKey}", operation_id="getSegment", response_model_exclude_none=True)(
        get_segment
    )
    routes.delete("/{segmentKey}", operation_id="deleteSegment", status_code=204)(delete_segment)
    return routes


def list_segments(
    scope: ScopeOf,
    services: ServicesOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
    *,
    sort: str = "",
    filter: str = "",  # noqa: A002 - the documented name
) -> UserSegments:
    """List an environment's segments, newest first."""
    if filter.strip():
        raise InvalidRequest("filter is not understood by this release; leave it out")
    store = services.store()
    for _ in range(_LIST_TRIES):
        found = _sorted(store.segments.list(scope), sort)
        page = found[offset : offset + limit]
        try:
            items = shown_segments(page, _states(store, page))
        except SegmentNotFound:
            continue
        path, total = segments_path(scope), len(found)
        query = f"sort={quote(sort)}&" if sort else ""
        links = page_links(path, query, limit=limit, offset=offset, total=total)
        return UserSegments(items=items, totalCount=total, links=links)
    raise StoreUnavailable(f"segments of {scope.environment} change under every try; retry")


def create_segment(body: NewSegmentBody, scope: ScopeOf, services: ServicesOf) -> UserSegment:
    """Create a segment with empty lists."""
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
    return user_segment(segment, _state_of(store, segment))


def get_segment(path: SegmentPathOf, services: ServicesOf) -> UserSegment:
    """Read a segment; the counts of a big one are those of this moment."""
    store = services.store()
    segment = store.segments.get(path.scope, path.segment)
    shown = user_segment(segment, _state_of(store, segment))
    shown.flags = []
    return shown


def delete_segment(path: SegmentPathOf, services: ServicesOf) -> Response:
    """Delete a segment; its members are hidden at once, and a running import is stopped."""
    store = services.store()
    _, building = store.segments.delete(path.scope, path.segment)
    if building is not None:
        ref = JobRef("import", path.scope, building)
        store.jobs.end(ref, "stopped", reason="segment deleted", keep_s=_KEEP_STOPPED_S)
    return Response(status_code=204)


def _sorted(segments: list[Segment], sort: str) -> list[Segment]:
    """Sort by the fields named, the last one first, so that the first one weighs most."""
    for field in reversed([name for name in sort.split(",") if name]):
        name = field.removeprefix("-")
        if name not in _SORTS:
            raise InvalidRequest(f"sort: use {', '.join(_SORTS)}, with - for descending")
        segments = sorted(segments, key=_SORTS[name], reverse=field.startswith("-"))
    return segments


def _states(store: Store, segments: list[Segment]) -> list[ListState | None]:
    big = [one.ref for one in segments if one.unbounded]
    try:
        states = iter(store.memberships.states(big))
    except ListUnknown:
        # One of them is lost; the others' owners still want to see theirs.
        return [_state_of(store, one) for one in segments]
    return [next(states) if one.unbounded else None for one in segments]


def _state_of(store: Store, segment: Segment) -> ListState | None:
    if not segment.unbounded:
        return None
    try:
        return store.memberships.state(segment.ref)
    except ListUnknown:
        return None
