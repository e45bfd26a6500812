"""``GET /api/v2/segments/{projectKey}/{environmentKey}``: pages, sorted and filtered.

Filters and sorting read definitions only; targets and rules are read for the segments of
the page and no others.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from api.access.auth import Caller
from api.launchdarkly.operations import NO_ENVIRONMENT, READ, operation
from api.launchdarkly.segments.filter import parse_filter
from api.launchdarkly.segments.list_states import states_of
from api.launchdarkly.segments.representation import UserSegments
from api.launchdarkly.segments.sorting import in_order, parse_sort
from api.launchdarkly.wire.links import segments_path
from api.launchdarkly.wire.pages import encoded, page_links, segments_body
from api.launchdarkly.wire.parameters import Limit, Offset, sorted_by
from api.launchdarkly.wire.requests import ScopeOf
from api.services.services import CallerOf, ServicesOf
from worker.store import Definition, Scope, Segment, SegmentNotFound, Store, StoreUnavailable

router = APIRouter(prefix="/api/v2/segments/{projectKey}/{environmentKey}", tags=["Segments"])

#: A page is read again when a segment on it is deleted meanwhile.
_TRIES: Final = 5


Sort = Annotated[
    str,
    Query(
        description="Fields to sort by, separated by commas, each with `-` before it for "
        "descending order: `creationDate`, `name`, `lastModified`. Without it, the newest "
        "segment comes first.",
        json_schema_extra=sorted_by("creationDate|name|lastModified"),
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
    scope: ScopeOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    offset: Offset = 0,
    *,
    sort: Sort = "",
    filter: Filter = "",  # noqa: A002 - the documented name
) -> Response:
    """List an environment's segments, newest first."""
    wanted, order = parse_filter(filter), parse_sort(sort)
    store = services.store()
    for _ in range(_TRIES):
        segments = _in_scope(store.segments.list(scope), caller)
        if filter.strip():
            segments = [one for one in segments if wanted(one)]
        if order:
            segments = in_order(segments, order)
        try:
            definitions = _read(store, scope, segments[offset : offset + limit])
            states = states_of(store, [one.segment for one in definitions])
        except SegmentNotFound:
            continue
        total = len(segments)
        links = page_links(
            segments_path(scope),
            encoded(sort=sort, filter=filter),
            limit=limit,
            offset=offset,
            total=total,
        )
        body = segments_body(definitions, states, total=total, links=links)
        return Response(body, media_type="application/json")
    raise StoreUnavailable(f"segments of {scope.environment} change under every try; retry")


def _in_scope(segments: list[Segment], caller: Caller) -> list[Segment]:
    allows = caller.scope.allows
    if caller.scope.is_everything:
        return segments
    return [one for one in segments if allows(one.scope.project, one.scope.environment, one.key)]


def _read(store: Store, scope: Scope, page: list[Segment]) -> list[Definition]:
    """The definitions of a page with their targets, as of one moment."""
    found = store.segments.read_many(scope, [one.key for one in page])
    definitions = [one for one in found if one is not None]
    if len(definitions) < len(page):
        raise SegmentNotFound("a segment of the page was deleted meanwhile")
    return definitions
