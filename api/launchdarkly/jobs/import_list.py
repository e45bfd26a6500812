"""``GET …/imports``: the imports of a segment or of an environment, newest first.

Those of an environment are below ``/projects/…/environments/…``, as other things of a whole
environment are at LaunchDarkly: below its segments, a segment may be called ``imports``.
"""

from collections.abc import Sequence
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Query
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.errors import Conflict
from api.jobs.idempotency import KEY_PATTERN
from api.jobs.records import PeriodOf, find_imports
from api.launchdarkly.jobs.job_list import (
    ENVIRONMENT_ROUTE,
    Limit,
    encode_filter,
    environment_path,
    segment_path,
    terms_of,
    visible,
)
from api.launchdarkly.jobs.models import ImportRepresentation, represent_import
from api.launchdarkly.operations import NO_ENVIRONMENT, NO_SEGMENT
from api.launchdarkly.wire.filters import Terms, parse_terms
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.pages import encode_query, page_links
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


Filter = Annotated[
    str,
    Query(
        description="Which imports, as for segments: `status`, `mode` and `initiator`, the name of "
        "the token that started it, each with `equals` or `anyOf`; such as "
        '`status anyOf ["complete","stopped"],mode equals "replace"`.'
    ),
]


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
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    key: IdempotencyKey = None,
    filter: Filter = "",  # noqa: A002 - the documented name
) -> ImportPage:
    """List the imports of a segment, newest first: the last 100 whose records are kept.

    Imports of a deleted segment with the same key are not listed.
    """
    store, matches = services.store(), parse_terms(filter, _TERMS)
    ref = find_big_segment(store, path).ref
    refs = find_imports(store, ref, caller.token_id, key, matches, period)
    query = encode_filter(filter, period) + encode_query(idempotencyKey=key or "")
    return _page(services, f"{path.href}/imports", query, refs, limit, offset)


@router.get(f"{ENVIRONMENT_ROUTE}/imports", operation_id="getBigSegmentImportsForEnvironment")
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_environment_imports(
    env: EnvironmentRefOf,
    services: ServicesOf,
    caller: CallerOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    filter: Filter = "",  # noqa: A002 - the documented name
) -> ImportPage:
    """List the imports of all segments of an environment, newest first.

    They are the last 1,000 whose records are kept, and of these the ones into segments that the
    caller may see.
    """
    store, matches = services.store(), parse_terms(filter, _TERMS)
    store.environments.require(env)
    after_ms, before_ms = period.after_ms, period.before_ms
    overviews = store.imports.overviews(env, after_ms=after_ms, before_ms=before_ms)
    refs = visible(overviews, matches, caller)
    path = f"{environment_path(env)}/imports"
    return _page(services, path, encode_filter(filter, period), refs, limit, offset)


def _page(
    services: Services, path: str, query: str, refs: Sequence[JobRef], limit: int, offset: int
) -> ImportPage:
    store = services.store()
    items = [
        represent_import(store, segment_path(state.request), state.request, state, services.clock)
        for state in store.jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ImportRequest)
    ]
    links = page_links(path, query, limit=limit, offset=offset, total=len(refs))
    return ImportPage(items=items, links=links, total_count=len(refs))
