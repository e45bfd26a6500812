"""Starting exports, and the body that says how the keys are written."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import read_json
from api.bodies.models import StrictBody, null_is
from api.jobs.idempotency import EarlierRequest, start_once
from api.jobs.starting import Start
from api.rest.requests import require_json
from worker.export_options import ExportOptions
from worker.store import ExportRequest, Store, admit_export, digest_of

Format = Literal["csv", "parquet"]


class ExportBody(StrictBody):
    """How the keys are written."""

    format: Annotated[Format, null_is("csv")] = "csv"

    @property
    def options(self) -> ExportOptions:
        """The same as the worker takes it."""
        return ExportOptions(format=self.format)


async def read_options(request: Request) -> ExportOptions:
    """Read the options from the body; an empty body of any type, or null, has the defaults.

    Raises:
        InvalidRequest: the body is not an ``ExportBody``.
        UnsupportedMediaType: the body is of another type, and not empty.
    """
    raw = await request.body()
    if not raw:
        return ExportOptions()
    await require_json(request)
    body = read_json(raw)
    if body is None:
        return ExportOptions()
    try:
        return ExportBody.model_validate(body).options
    except ValidationError as exc:
        raise refusal(exc) from exc


def start_export(
    options: ExportOptions,
    start: Start,
    admit: Callable[[Store, ExportRequest], None] = admit_export,
    *,
    of: str = "",
) -> Response:
    """Start an export of the list, or repeat the answer of an earlier request. Blocks.

    Args:
        options: How the keys are written, and where to.
        start: Who asks for it.
        admit: Writes its record.
        of: What it is an export of beside the list; a repeated request asks for the same.

    Raises:
        Conflict: a request with this key is under way.
        StoreUnavailable: no answer; it may have been started.
    """
    services = start.services
    fingerprint = digest_of("export", repr(options), of)
    begun = start.begin("export")
    if isinstance(begun, EarlierRequest):
        return begun.repeat(fingerprint, start.respond)
    request = ExportRequest(services.ids(), start.ref, services.clock(), options, start.caller.name)

    def admit_request() -> Response:
        admit(services.store(), request)
        _announce(start, request)
        return start.respond(request.export_id)

    return start_once(begun, fingerprint, request.export_id, admit_request)


def _announce(start: Start, request: ExportRequest) -> None:
    start.record(
        "createBigSegmentExport",
        "started an export of the segment",
        {"exportId": request.export_id, "format": request.options.ending},
    )
    start.services.work.work(request.ref)
