"""``GET …/exports``: the exports of a segment or of an environment, newest first."""

from collections.abc import Sequence
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Depends
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.launchdarkly.jobs.job_list import (
    ENVIRONMENT_ROUTE,
    JobQuery,
    environment_path,
    find_visible,
    query_parser,
    segment_path,
    terms_of,
)
from api.launchdarkly.jobs.models import ExportRepresentation, represent_export
from api.launchdarkly.operations import NO_ENVIRONMENT, NO_SEGMENT
from api.launchdarkly.wire.filters import Terms, parse_terms
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import EnvironmentRefOf, SegmentPathOf, find_big_segment
from api.rest.operations import READ, operation
from api.services.services import CallerOf, Services, ServicesOf
from worker.options.exports import ExportFormat
from worker.store import ExportRequest, JobOverview, JobRef, Status

router = APIRouter(tags=["Segments"])


class ExportPage(WireModel):
    """Some exports of a segment or an environment."""

    items: list[ExportRepresentation]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Exports that can be listed and match."""


_parse_query = query_parser(
    "Which exports, as for imports: `status`, `format` and `initiator`, the name of the token that "
    "started it, each with `equals` or `anyOf`; such as "
    '`status equals "complete",format anyOf ["csv","parquet"]`.'
)
ExportQueryOf = Annotated[JobQuery, Depends(_parse_query)]

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
    path: SegmentPathOf, services: ServicesOf, caller: CallerOf, query: ExportQueryOf
) -> ExportPage:
    """List the exports of a segment, newest first: the last 100 whose records are kept.

    Exports of a deleted segment with the same key are not listed.
    """
    store, matches = services.store(), parse_terms(query.filter, _TERMS)
    ref = find_big_segment(store, path).ref
    refs = find_visible(store.exports, ref, query, matches, caller)
    return _page(services, f"{path.href}/exports", query, refs)


@router.get(f"{ENVIRONMENT_ROUTE}/exports", operation_id="getBigSegmentExportsForEnvironment")
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_environment_exports(
    env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf, query: ExportQueryOf
) -> ExportPage:
    """List the exports of all segments of an environment, newest first.

    They are the last 1,000 whose records are kept, and of these the ones of segments that the
    caller may see.
    """
    store, matches = services.store(), parse_terms(query.filter, _TERMS)
    store.environments.require(env)
    refs = find_visible(store.exports, env, query, matches, caller)
    return _page(services, f"{environment_path(env)}/exports", query, refs)


def _page(services: Services, path: str, query: JobQuery, refs: Sequence[JobRef]) -> ExportPage:
    items = [
        represent_export(segment_path(state.request), state.request, state, services.clock)
        for state in query.read_page(services.store(), refs)
        if isinstance(state.request, ExportRequest)
    ]
    return ExportPage(items=items, links=query.links(path, len(refs)), total_count=len(refs))
