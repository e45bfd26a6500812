"""``GET …/exports``: the exports of a segment or of an environment, newest first."""

from collections.abc import Sequence
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Query
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.jobs.records import PeriodOf
from api.launchdarkly.jobs.job_list import (
    ENVIRONMENT_ROUTE,
    Limit,
    encode_filter,
    environment_path,
    segment_path,
    terms_of,
    visible,
)
from api.launchdarkly.jobs.models import ExportRepresentation, represent_export
from api.launchdarkly.operations import NO_ENVIRONMENT, NO_SEGMENT
from api.launchdarkly.wire.filters import Terms, parse_terms
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.pages import page_links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE, Offset
from api.launchdarkly.wire.requests import EnvironmentRefOf, SegmentPathOf, find_big_segment
from api.rest.operations import READ, operation
from api.services.services import CallerOf, Services, ServicesOf
from worker.export_options import ExportFormat
from worker.store import ExportRequest, JobOverview, JobRef, Status

router = APIRouter(tags=["Segments"])


class ExportPage(WireModel):
    """Some exports of a segment or an environment."""

    items: list[ExportRepresentation]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Exports that can be listed and match."""


Filter = Annotated[
    str,
    Query(
        description="Which exports, as for imports: `status`, `format` and `initiator`, the name "
        "of the token that started it, each with `equals` or `anyOf`; such as "
        '`status equals "complete",format anyOf ["csv","parquet"]`.'
    ),
]
_TERMS: Final[Terms[JobOverview[ExportRequest]]] = {
    "status": terms_of(lambda overview: overview.status, get_args(Status), "statuses"),
    "format": terms_of(
        lambda overview: overview.request.options.format, get_args(ExportFormat), "formats"
    ),
    "initiator": terms_of(lambda overview: overview.request.initiator),
}


@router.get(f"{SEGMENT_ROUTE}/exports", operation_id="getBigSegmentExports")
@operation(needs=READ, refuses=NO_SEGMENT)
def list_exports(
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    filter: Filter = "",  # noqa: A002 - the documented name
) -> ExportPage:
    """List the exports of a segment, newest first: the last 100 whose records are kept.

    Exports of a deleted segment with the same key are not listed.
    """
    store, matches = services.store(), parse_terms(filter, _TERMS)
    after_ms, before_ms = period.after_ms, period.before_ms
    ref = find_big_segment(store, path).ref
    overviews = store.exports.overviews(ref, after_ms=after_ms, before_ms=before_ms)
    refs = visible(overviews, matches, caller)
    query = encode_filter(filter, period)
    return _page(services, f"{path.href}/exports", query, refs, limit, offset)


@router.get(f"{ENVIRONMENT_ROUTE}/exports", operation_id="getBigSegmentExportsForEnvironment")
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_environment_exports(
    env: EnvironmentRefOf,
    services: ServicesOf,
    caller: CallerOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    filter: Filter = "",  # noqa: A002 - the documented name
) -> ExportPage:
    """List the exports of all segments of an environment, newest first.

    They are the last 1,000 whose records are kept, and of these the ones of segments that the
    caller may see.
    """
    store, matches = services.store(), parse_terms(filter, _TERMS)
    store.environments.require(env)
    after_ms, before_ms = period.after_ms, period.before_ms
    overviews = store.exports.overviews(env, after_ms=after_ms, before_ms=before_ms)
    refs = visible(overviews, matches, caller)
    path = f"{environment_path(env)}/exports"
    return _page(services, path, encode_filter(filter, period), refs, limit, offset)


def _page(
    services: Services, path: str, query: str, refs: Sequence[JobRef], limit: int, offset: int
) -> ExportPage:
    items = [
        represent_export(segment_path(state.request), state.request, state, services.clock)
        for state in services.store().jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ExportRequest)
    ]
    links = page_links(path, query, limit=limit, offset=offset, total=len(refs))
    return ExportPage(items=items, links=links, total_count=len(refs))
