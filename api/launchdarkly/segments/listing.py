"""``GET /api/v2/segments/{projectKey}/{environmentKey}``: pages, sorted and filtered.

Filters and sorting read definitions only; targets and rules are read only for the segments of
the page.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from api.access.auth import Caller
from api.errors import InvalidRequest
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.segments.filter import parse_filter
from api.launchdarkly.segments.representation import UserSegments, page_json, read_states
from api.launchdarkly.wire.links import segments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import SEGMENTS_ROUTE, Limit, Offset, sort_schema
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import READ, operation
from api.services.services import CallerOf, ServicesOf
from worker.store import (
    Definition,
    EnvironmentRef,
    Segment,
    SegmentNotFound,
    Store,
    StoreUnavailable,
)

router = APIRouter(prefix=SEGMENTS_ROUTE, tags=["Segments"])

#: Times that a page is read, because a segment on it may be deleted meanwhile.
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


Sort = Annotated[
    str,
    Query(
        description="Fields to sort by, separated by commas, each with `-` before it for "
        "descending order: `creationDate`, `name`, `lastModified`. Without it, the newest "
        "segment comes first.",
        json_schema_extra=sort_schema("creationDate|name|lastModified"),
    ),
]
Filter = Annotated[
    str,
    Query(
        description="Terms of a field, an operator and a value: `includedKeys`, `excludedKeys` "
        "and `tags` take `anyOf` and a list of strings, `query` takes `equals` and a string, "
        "`unbounded` takes `equals` and true or false, `external` and `view` take `exists`. "
        "Terms are joined by `,` (and), which binds tighter than `|` (or), and grouped by "
        "parentheses."
    ),
]


@router.get(
    "",
    operation_id="getSegments",
    response_model=UserSegments,
)
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_segments(
    env: EnvironmentRefOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    offset: Offset = 0,
    *,
    sort: Sort = "",
    filter: Filter = "",  # noqa: A002 - the documented name
) -> Response:
    """List an environment's segments, newest first."""
    matches, order = parse_filter(filter), parse_sort(sort)
    store = services.store()
    for _ in range(_TRIES):
        segments = _in_scope(store.segments.read_all(env), caller)
        if filter.strip():
            segments = [segment for segment in segments if matches(segment)]
        if order:
            segments = sort_segments(segments, order)
        try:
            definitions = _read(store, env, segments[offset : offset + limit])
            states = read_states(store, [definition.segment for definition in definitions])
        except SegmentNotFound:
            continue
        total, query = len(segments), encode_query(sort=sort, filter=filter)
        links = page_links(segments_path(env), query, limit=limit, offset=offset, total=total)
        body = page_json(definitions, states, total=total, links=links)
        return Response(body, media_type="application/json")
    raise StoreUnavailable(f"segments of {env.environment} change under every try; retry")


def parse_sort(text: str) -> tuple[SortField, ...]:
    """Parse the ``sort`` parameter: fields with commas between them, the most important first.

    ``-`` before a field sorts it in descending order. A blank parameter gives no fields.

    Raises:
        InvalidRequest: a field that segments cannot be sorted by; says which.
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
        if allows(segment.env.project, segment.env.environment, segment.key)
    ]


def _read(store: Store, env: EnvironmentRef, page: list[Segment]) -> list[Definition]:
    """Read the definitions of a page, each with its targets as of one moment."""
    found = store.segments.read_many(env, [segment.key for segment in page])
    definitions = [definition for definition in found if definition is not None]
    if len(definitions) < len(page):
        raise SegmentNotFound("a segment of the page was deleted meanwhile")
    return definitions
