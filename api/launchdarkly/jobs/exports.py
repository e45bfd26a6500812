"""Create exports and get them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.faults import refusal
from api.bodies.json_values import read_json
from api.bodies.models import StrictBody, null_is
from api.errors import Conflict, KeyReused, NotFound, UnsupportedMediaType
from api.jobs.idempotency import (
    EarlierRequest,
    IdempotencyKeyOf,
    begin_request,
    start_once,
)
from api.launchdarkly.jobs.documentation import (
    DIFFERENT_KEY_USE,
    NO_EXPORT,
    ExportId,
    inline_schema,
    location_header,
)
from api.launchdarkly.jobs.models import ExportRepresentation, find_job, represent_export
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, document_body, operation
from api.rest.requests import require_json
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import ExportRequest, JobState, Segment, admit_export, digest_of

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/exports", tags=["Segments"])

Format = Literal["csv", "parquet"]


class ExportBody(StrictBody):
    """How the keys are written."""

    format: Annotated[Format, null_is("csv")] = "csv"


@router.post(
    "",
    operation_id="createBigSegmentExport",
    response_model=ExportRepresentation,
    responses={
        200: {"description": "The export was accepted.", "headers": location_header("export")}
    },
    openapi_extra=document_body(
        "The format; CSV if there is no body.", required=False, json=inline_schema(ExportBody)
    ),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        Conflict: "A request with this `Idempotency-Key` is under way; try again.",
        UnsupportedMediaType: "The body is not JSON.",
        KeyReused: DIFFERENT_KEY_USE,
    },
)
async def create_export(
    request: Request,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an export of the included keys, as they are when it begins.

    A repeated request with the same `Idempotency-Key` gets the first answer and starts nothing.
    """
    format_ = await _read_format(request)
    return await run_in_threadpool(_create, format_, path, services, caller, key)


@router.get("/{exportID}", operation_id="getBigSegmentExport")
@operation(needs=READ, refuses=NO_EXPORT)
def get_export(
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ExportRepresentation:
    """Get an export: its progress, and where its file is."""
    request, state = find_export(services, path, exportID)
    return represent_export(path, request, state, services.clock)


def find_export(
    services: Services, path: SegmentPath, export_id: str
) -> tuple[ExportRequest, JobState]:
    """Find an export of this segment, and its state.

    Raises:
        NotFound: the segment has no export with this id.
    """
    state = find_job(services.store(), path, "export", export_id)
    if not isinstance(state.request, ExportRequest):
        raise NotFound(f"export {export_id} does not exist")
    return state.request, state


def _create(
    format_: Format, path: SegmentPath, services: Services, caller: Caller, key: str | None
) -> Response:
    store = services.store()
    segment = find_big_segment(store, path)
    fingerprint = digest_of("export", format_)
    begun = begin_request(store, segment.ref, "export", caller.token_id, key)
    if isinstance(begun, EarlierRequest):
        return begun.repeat(fingerprint, lambda first: _respond(services, path, first))
    request = ExportRequest(services.ids(), segment.ref, services.clock(), format_, caller.name)

    def start() -> Response:
        admit_export(store, request)
        _announce(services, caller, segment, request)
        return _respond(services, path, request.export_id)

    return start_once(begun, fingerprint, request.export_id, start)


def _announce(services: Services, caller: Caller, segment: Segment, request: ExportRequest) -> None:
    audit_segment(
        services,
        caller,
        segment,
        action="createBigSegmentExport",
        verb="started an export of the segment",
        after={"exportId": request.export_id, "format": request.format},
    )
    services.work.work(request.ref)


def _respond(services: Services, path: SegmentPath, export_id: str) -> Response:
    representation = get_export(path, export_id, services)
    location = {"Location": path.export(export_id)}
    return JSONResponse(representation.model_dump(mode="json"), headers=location)


async def _read_format(request: Request) -> Format:
    """Read the format from the body; an empty body of any type, or null, is CSV.

    Raises:
        InvalidRequest: the body is not an ``ExportBody``.
        UnsupportedMediaType: the body is of another type, and not empty.
    """
    raw = await request.body()
    if not raw:
        return "csv"
    await require_json(request)
    body = read_json(raw)
    if body is None:
        return "csv"
    try:
        return ExportBody.model_validate(body).format
    except ValidationError as exc:
        raise refusal(exc) from exc
