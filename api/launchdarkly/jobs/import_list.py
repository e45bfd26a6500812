"""``GET …/imports``: the imports of a segment or of an environment, newest first.

Those of an environment are below ``/projects/…/environments/…``, as other things of a whole
environment are at LaunchDarkly: below its segments, a segment may be called ``imports``.
"""

from collections.abc import Sequence
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.errors import Conflict
from api.jobs.idempotency import KEY_PATTERN
from api.jobs.records import PeriodOf, find_imports
from api.launchdarkly.jobs.job_list import (
    ENVIRONMENT_ROUTE,
    JobQuery,
    Limit,
    environment_path,
    find_visible,
    query_parser,
    segment_path,
    terms_of,
)
from api.launchdarkly.jobs.models import ImportRepresentation, represent_import
from api.launchdarkly.operations import NO_ENVIRONMENT, NO_SEGMENT
from api.launchdarkly.wire.filters import Terms, parse_terms
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE, Offset
from api.launchdarkly.wire.requests import EnvironmentRefOf, SegmentPathOf, find_big_segment
from api.rest.operations import READ, operation
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import ImportRequest, JobOverview, JobRef, Status

router = APIRouter(tags=["Segments"])


class ImportPage(WireModel):
    """Some imports of a segment or an environment."""

    items: list[ImportRepresentation]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Imports that can be listed and match."""


IdempotencyKey = Annotated[
    str | None,
    Query(
        alias="idempotencyKey",
        pattern=KEY_PATTERN,
        description="Only the import that the caller has started with this `Idempotency-Key`: "
        "whether a request that got no answer has started one.",
    ),
]


_FILTER: Final = (
    "Which imports, as for segments: `status`, `mode` and `initiator`, the name of the token that "
    "started it, each with `equals` or `anyOf`; such as "
    '`status anyOf ["complete","stopped"],mode equals "replace"`.'
)


async def parse_segment_query(
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    key: IdempotencyKey = None,
    filter: Annotated[str, Query(description=_FILTER)] = "",  # noqa: A002 - the documented name
) -> JobQuery:
    """The imports and the page that a query asks for; of a segment, a key may name one."""
    return JobQuery(filter, period, limit, offset, key)


SegmentQueryOf = Annotated[JobQuery, Depends(parse_segment_query)]
EnvironmentQueryOf = Annotated[JobQuery, Depends(query_parser(_FILTER))]

_TERMS: Final[Terms[JobOverview[ImportRequest]]] = {
    "status": terms_of(lambda overview: overview.status, get_args(Status), "statuses"),
    "mode": terms_of(
        lambda overview: overview.request.mode, ("merge", "replace", "remove"), "modes"
    ),
    "initiator": terms_of(lambda overview: overview.request.initiator),
}


@router.get(f"{SEGMENT_ROUTE}/imports", operation_id="getBigSegmentImports")
@operation(
    needs=READ,
    refuses={
        **NO_SEGMENT,
        Conflict: "The request with this `idempotencyKey` is under way; try again.",
    },
)
def list_imports(
    path: SegmentPathOf, services: ServicesOf, caller: CallerOf, query: SegmentQueryOf
) -> ImportPage:
    """List the imports of a segment, newest first: the last 100 whose records are kept.

    Imports of a deleted segment with the same key are not listed.
    """
    store, matches = services.store(), parse_terms(query.filter, _TERMS)
    ref, key = find_big_segment(store, path).ref, query.idempotency_key
    refs = find_imports(store, ref, caller.token_id, key, matches, query.period)
    return _page(services, f"{path.href}/imports", query, refs)


@router.get(f"{ENVIRONMENT_ROUTE}/imports", operation_id="getBigSegmentImportsForEnvironment")
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_environment_imports(
    env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf, query: EnvironmentQueryOf
) -> ImportPage:
    """List the imports of all segments of an environment, newest first.

    They are the last 1,000 whose records are kept, and of these the ones into segments that the
    caller may see.
    """
    store, matches = services.store(), parse_terms(query.filter, _TERMS)
    store.environments.require(env)
    refs = find_visible(store.imports, env, query, matches, caller)
    return _page(services, f"{environment_path(env)}/imports", query, refs)


def _page(services: Services, path: str, query: JobQuery, refs: Sequence[JobRef]) -> ImportPage:
    store = services.store()
    items = [
        represent_import(store, segment_path(state.request), state.request, state, services.clock)
        for state in query.read_page(store, refs)
        if isinstance(state.request, ImportRequest)
    ]
    return ImportPage(items=items, links=query.links(path, len(refs)), total_count=len(refs))
