"""Create exports and watch them."""

import json
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.audit import audit_segment
from api.auth import Caller
from api.errors import InvalidRequest, NotFound
from api.launchdarkly.big_segments import big_segment
from api.launchdarkly.jobs import ExportRepresentation, export_representation, find_job
from api.launchdarkly.paths import SegmentPath
from api.launchdarkly.requests import SegmentPathOf, media_type_of
from api.services import CallerOf, Services, ServicesOf
from worker.store import ExportRequest, JobState, admit_export

Format = Literal["csv", "parquet"]


def router() -> APIRouter:
    """The routes of this module."""
    prefix = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}/exports"
    routes = APIRouter(prefix=prefix, tags=["Segments"])
    routes.post("", operation_id="createBigSegmentExport", response_model=ExportRepresentation)(
        create_export
    )
    routes.get("/{exportID}", operation_id="getBigSegmentExport")(get_export)
    return routes


async def create_export(
    request: Request, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Start an export of the included keys, as they are when it begins."""
    chosen = await _format(request)
    return await run_in_threadpool(_create, chosen, path, services, caller)


def get_export(
    path: SegmentPathOf,
    exportID: str,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ExportRepresentation:
    """Read an export: how far it is, and where its file is."""
    request, state = find_export(services, path, exportID)
    return export_representation(path, request, state, services.clock)


def find_export(
    services: Services, path: SegmentPath, export_id: str
) -> tuple[ExportRequest, JobState]:
    """An export of this segment, and how far it is.

    Raises:
        NotFound: there is none with this id.
    """
    state = find_job(services.store(), path, "export", export_id)
    if not isinstance(state.request, ExportRequest):
        raise NotFound(f"export {export_id} does not exist")
    return state.request, state


def _create(chosen: Format, path: SegmentPath, services: Services, caller: Caller) -> JSONResponse:
    store = services.store()
    segment = big_segment(store, path)
    request = ExportRequest(services.ids(), segment.ref, services.clock(), chosen, caller.name)
    admit_export(store, request)
    audit_segment(
        services,
        caller,
        segment,
        action="createBigSegmentExport",
        verb="started an export of the segment",
        after={"exportId": request.export_id, "format": chosen},
    )
    services.work.work(request.ref)
    state = store.jobs.get(request.ref)
    shown = export_representation(path, request, state, services.clock)
    location = {"Location": path.export(request.export_id)}
    return JSONResponse(shown.model_dump(mode="json"), headers=location)


async def _format(request: Request) -> Format:
    """What a JSON object in the body asks for; clients send all sorts of empty bodies."""
    if media_type_of(request) != "application/json":
        return "csv"
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        return "csv"
    chosen = body.get("format", "csv") if isinstance(body, dict) else "csv"
    if chosen == "csv" or chosen is None:
        return "csv"
    if chosen == "parquet":
        return "parquet"
    raise InvalidRequest("format: use csv or parquet")
