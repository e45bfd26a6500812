"""``GET /api/v2/segments/{projectKey}/{environmentKey}``: pages, sorted and filtered.

Filters and sorting read definitions only; targets and rules are read for the segments of
the page and no others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from api.access.auth import Caller
from api.bodies.models import Int32, Int64
from api.errors import InvalidRequest
from api.launchdarkly.segments.filter import parse_filter
from api.launchdarkly.segments.representation import UserSegments, page_json, read_states
from api.launchdarkly.wire.links import segments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.requests import ScopeOf
from api.services.services import CallerOf, ServicesOf
from worker.store import Definition, Scope, Segment, SegmentNotFound, Store, StoreUnavailable

#: A page is read again when a segment on it is deleted meanwhile.
_TRIES: Final = 5

_SORT_FIELDS: Final[Mapping[str, Callable[[Segment], Any]]] = {
    "creationDate": lambda segment: segment.created_ms,
    "name": lambda segment: segment.name,
    "lastModified": lambda segment: segment.modified_ms,
}


@dataclass(frozen=True, slots=True)
class SortField:
    """One field to sort by."""

    name: str
    descending: bool


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])
    routes.get(
        "",
        operation_id="getSegments",
        response_model=UserSegments,
        response_model_exclude_none=True,
    )(list_segments)
    return routes


def list_segments(
    scope: ScopeOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[Int32, Query(ge=1, le=1000)] = 20,
    offset: Annotated[Int64, Query(ge=0)] = 0,
    *,
    sort: str = "",
    filter: str = "",  # noqa: A002 - the documented name
) -> Response:
    """List an environment's segments, newest first."""
    matches, order = parse_filter(filter), parse_sort(sort)
    store = services.store()
    for _ in range(_TRIES):
        segments = _in_scope(store.segments.list(scope), caller)
        if filter.strip():
            segments = [segment for segment in segments if matches(segment)]
        if order:
            segments = sort_segments(segments, order)
        try:
            definitions = _read(store, scope, segments[offset : offset + limit])
            states = read_states(store, [definition.segment for definition in definitions])
        except SegmentNotFound:
            continue
        total, query = len(segments), encode_query(sort=sort, filter=filter)
        links = page_links(segments_path(scope), query, limit=limit, offset=offset, total=total)
        body = page_json(definitions, states, total=total, links=links)
        return Response(body, media_type="application/json")
    raise StoreUnavailable(f"segments of {scope.environment} change under every try; retry")


def parse_sort(text: str) -> tuple[SortField, ...]:
    """Parse the ``sort`` parameter: fields with commas between them, the most important first.

    ``-`` before a field sorts it in descending order. A blank parameter gives no fields.

    Raises:
        InvalidRequest: a field that cannot be sorted by; says which one.
    """
    fields = []
    for position, part in enumerate(text.split(",") if text.strip() else (), start=1):
        word = part.strip()
        name = word.removeprefix("-")
        if name not in _SORT_FIELDS:
            known = ", ".join(_SORT_FIELDS)
            message = f"sort: field {position} is none of {known} (with - for descending)"
            raise InvalidRequest(message)
        fields.append(SortField(name, descending=word.startswith("-")))
    return tuple(fields)


def sort_segments(segments: Iterable[Segment], fields: tuple[SortField, ...]) -> list[Segment]:
    """Sort segments; those equal in all fields come newest first, then by key.

    Cost: one stable sort per field, and one more.
    """
    ordered = sorted(segments, key=lambda segment: (-segment.created_ms, segment.key))
    for field in reversed(fields):
        ordered.sort(key=_SORT_FIELDS[field.name], reverse=field.descending)
    return ordered


def _in_scope(segments: list[Segment], caller: Caller) -> list[Segment]:
    allows = caller.scope.allows
    if caller.scope.is_everything:
        return segments
    return [
        segment
        for segment in segments
        if allows(segment.scope.project, segment.scope.environment, segment.key)
    ]


def _read(store: Store, scope: Scope, page: list[Segment]) -> list[Definition]:
    """Read the definitions of a page with their targets, as of one moment."""
    found = store.segments.read_many(scope, [segment.key for segment in page])
    definitions = [definition for definition in found if definition is not None]
    if len(definitions) < len(page):
        raise SegmentNotFound("a segment of the page was deleted meanwhile")
    return definitions
