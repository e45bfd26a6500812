"""Options of an export: the only place where these fields are declared."""

from typing import Annotated, Self

from fastapi import Request
from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.faults import refusal
from api.bodies.json_values import read_json
from api.bodies.models import Flag, Int64, StrictBody, WireModel, null_is
from api.errors import InvalidRequest
from api.rest.requests import require_json
from api.settings import ApiSettings
from worker.dated_prefixes import has_braces
from worker.objects import parse_destination
from worker.options.exports import (
    LEAST_PART_ROWS,
    MOST_PART_ROWS,
    ExportCompression,
    ExportFormat,
    ExportOptions,
    ExportSide,
    Profile,
)


class ExportBody(StrictBody):
    """How the keys are written, and where to."""

    format: Annotated[
        ExportFormat, null_is("csv"), Field(description="CSV, JSON Lines or Parquet (zstd).")
    ] = "csv"
    compression: Annotated[
        ExportCompression,
        null_is("none"),
        Field(description="How CSV or JSON Lines are compressed."),
    ] = "none"
    side: Annotated[
        ExportSide,
        null_is("included"),
        Field(
            description="Which of the segment's two lists; with `both`, a second column `side` "
            "says which list a key is from. An attached list has no `excluded`."
        ),
    ] = "included"
    header: Annotated[
        Flag,
        Field(description="Whether the first row of CSV names the columns; other formats do."),
    ] = False
    profile: Annotated[
        Profile,
        null_is("exact"),
        Field(
            description="`exact` is imported again as it is. `spreadsheet` is CSV that opens in "
            "one without a cell becoming a formula, and is imported again with the same `profile`."
        ),
    ] = "exact"
    part_rows: Annotated[
        Int64 | None,
        Field(
            ge=LEAST_PART_ROWS,
            le=MOST_PART_ROWS,
            description="The most keys of a file: the list is written in parts, with a manifest "
            "that an import takes. When left out there is one file.",
        ),
    ] = None
    destination: Annotated[
        str | None,
        Field(
            max_length=1_000,
            description="`s3://bucket/folder` that the operator allows, to which the files are "
            "written; when left out they are downloaded.",
        ),
    ] = None

    @model_validator(mode="after")
    def _require_sense(self) -> Self:
        if (fault := self.options.find_fault()) is not None:
            raise PydanticCustomError("options", "{fault}", {"fault": fault})
        return self

    @property
    def options(self) -> ExportOptions:
        """The same as a worker takes it."""
        return ExportOptions(
            format=self.format,
            compression=self.compression,
            side=self.side,
            header=self.header,
            profile=self.profile,
            part_rows=self.part_rows,
            destination=self.destination,
        )


class ExportOptionsRepresentation(WireModel):
    """How the keys are written, and where to."""

    compression: ExportCompression
    side: ExportSide
    header: bool
    profile: Profile
    part_rows: Int64 | None
    destination: str | None

    @classmethod
    def of(cls, options: ExportOptions) -> Self:
        """What callers see of options."""
        return cls(
            compression=options.compression,
            side=options.side,
            header=options.header,
            profile=options.profile,
            part_rows=options.part_rows,
            destination=options.destination,
        )


async def read_options(request: Request, settings: ApiSettings) -> ExportOptions:
    """Read the options from the body; an empty body of any type, or null, has the defaults.

    Raises:
        InvalidRequest: the body is not an ``ExportBody``, or its destination has placeholders.
        DestinationNotAllowed: it names a destination that no export may write to.
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
        options = ExportBody.model_validate(body).options
    except ValidationError as exc:
        raise refusal(exc) from exc
    if options.destination is not None:
        if has_braces(options.destination):
            raise InvalidRequest(
                "destination: placeholders such as {date} are for schedules of exports; name the "
                "folder itself"
            )
        parse_destination(options.destination, settings.destinations, inbox=settings.inbox)
    return options
