"""Compose a segment of others: an import without a file."""

from functools import partial

from fastapi import APIRouter, Response

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.errors import InvalidRequest
from api.jobs.compositions import ComposeBody, compose
from api.jobs.idempotency import IdempotencyKeyOf
from api.launchdarkly.jobs.documentation import IMPORT_ACCEPTED, NO_IMPORT_STARTED
from api.launchdarkly.jobs.imports import respond_started
from api.launchdarkly.jobs.models import ImportRepresentation
from api.launchdarkly.jobs.starting import segment_start
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import WRITE, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, ServicesOf
from worker.store import ListRef, Segment, SegmentNotFound, Store

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/compose", tags=["Segments"])


@router.post(
    "",
    operation_id="composeBigSegment",
    status_code=202,
    response_model=ImportRepresentation,
    responses=IMPORT_ACCEPTED,
    dependencies=[RequireJson],
)
@operation(needs=WRITE, refuses=NO_IMPORT_STARTED)
def compose_segment(
    body: ComposeBody,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Build a segment from the keys of others of its environment; it is an import without a file.

    Each segment is read as it is when this is answered: the import's `composition` says when that
    was, and what is changed later is not seen. The token needs to read all of them. The segment
    itself may be one of them, unless `mode` is `replace`. Guards, approvals, previews, reports and
    cancelling are those of an import, and so is what edits of the segment do meanwhile: they win.
    """
    store = services.store()
    segment = find_big_segment(store, path)
    sources = _find_sources(store, caller, path, body, segment)
    start = segment_start(services, caller, segment, key, partial(respond_started, services, path))
    return compose(body, start, sources)


def _find_sources(
    store: Store, caller: Caller, path: SegmentPath, body: ComposeBody, segment: Segment
) -> list[ListRef]:
    """The lists of the segments that a request names.

    Raises:
        Forbidden: one is not in the caller's scope, whether it exists or not.
        InvalidRequest: one is not there, is no big segment, or of contexts of another kind; or the
            segment would replace itself.
    """
    for key in body.segments:
        require_scope(caller, path.project, path.environment, key)
    if body.mode == "replace" and path.segment in body.segments:
        raise InvalidRequest(
            f"segments: {path.segment} cannot replace itself; send mode merge, which adds the "
            "result, or remove"
        )
    return [_find_source(store, segment, key) for key in body.segments]


def _find_source(store: Store, target: Segment, key: str) -> ListRef:
    try:
        source = store.segments.get(target.ref.env, key)
    except SegmentNotFound as exc:
        raise InvalidRequest(f"segments: there is no segment {key} in this environment") from exc
    if not source.unbounded:
        raise InvalidRequest(f"segments: segment {key} is not a big segment")
    if source.context_kind != target.context_kind:
        raise InvalidRequest(
            f"segments: the keys of segment {key} are of kind {source.context_kind}, and those of "
            f"{target.key} of kind {target.context_kind}: name segments of one kind"
        )
    return source.ref
