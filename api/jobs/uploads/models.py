"""Direct uploads as callers see them, and the bodies that start and import them."""

from typing import Annotated, Final, Literal

from fastapi import Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints, ValidationError, field_validator

from api.bodies.models import Int32, Int64, StrictBody, WireModel
from api.jobs.options import ImportOptions
from api.jobs.records import JOB_ID
from worker.objects import MAX_PARTS

#: URLs of one answer: a few hundred bytes and a signature each.
MOST_URLS: Final = 100
#: Uploads of one import.
_MOST_UPLOADS: Final = 100
_LONGEST_NAME: Final = 255
_ID: Final = f"^{JOB_ID.pattern}$"

UploadId = Annotated[
    str,
    Path(description="The upload's id.", json_schema_extra={"format": "uuid", "pattern": _ID}),
]
FirstPart = Annotated[
    Int32, Query(alias="from", ge=1, le=MAX_PARTS, description="The number of the first part.")
]
PartCount = Annotated[Int32, Query(ge=1, le=MOST_URLS, description="How many parts, at most.")]
LastBytes = Annotated[
    Int64 | None,
    Query(
        alias="bytes",
        ge=0,
        description="The length of the last part of an upload without `sizeBytes`; the others "
        "have `partBytes`. Send `count=1` with it.",
    ),
]
Fingerprint = Annotated[
    str,
    Query(description="Only uploads that were started with this one."),
]


class UploadBody(StrictBody):
    """A list that is to be uploaded."""

    filename: Annotated[
        str,
        Field(
            min_length=1,
            max_length=_LONGEST_NAME,
            description="What the import calls the file; a name without a folder.",
        ),
    ]
    size_bytes: Annotated[
        Int64 | None,
        Field(
            ge=0,
            strict=True,
            description="The size of the file, in bytes; left out when it is not known yet.",
        ),
    ] = None
    fingerprint: Annotated[
        str,
        Field(
            max_length=_LONGEST_NAME,
            description="A name of the caller's for this very content, by which it finds the "
            "upload again to go on with it.",
        ),
    ] = ""

    @field_validator("filename", "fingerprint")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not name.isprintable() or not {"/", "\\"}.isdisjoint(name):
            message = "use a name without slashes and control characters"
            raise ValueError(message)
        return name


class UploadsBody(ImportOptions):
    """An import of lists that were uploaded directly."""

    uploads: Annotated[
        list[Annotated[str, StringConstraints(pattern=_ID)]],
        Field(
            min_length=1,
            max_length=_MOST_UPLOADS,
            description="Ids of completed uploads of this segment. Their files become one import, "
            "and are deleted when it ends.",
        ),
    ]

    @field_validator("uploads")
    @classmethod
    def _are_different(cls, uploads: list[str]) -> list[str]:
        if len(set(uploads)) < len(uploads):
            message = "an upload is named twice"
            raise ValueError(message)
        return uploads


def read_uploads(body: object) -> UploadsBody:
    """Read a JSON body.

    Raises:
        RequestValidationError: a field is wrong or not known; says where.
    """
    try:
        return UploadsBody.model_validate(body)
    except ValidationError as exc:
        raise RequestValidationError(exc.errors()) from exc


class PartRange(WireModel):
    """Parts that follow each other."""

    first: Int32
    last: Int32


class PartUrl(WireModel):
    """Where one part goes: ``PUT`` exactly so many bytes of the file to the URL."""

    number: Int32
    """Part 1 has the first `partBytes` bytes of the file, part 2 the next."""
    size_bytes: Int64
    url: str
    """Takes this part only, without a token. Its answer's `ETag` need not be kept."""


class PartUrls(WireModel):
    """URLs for parts."""

    parts: list[PartUrl]
    expiry_time: Int64
    """When the URLs end; others can be asked for at any time."""


class UploadSummary(WireModel):
    """A direct upload."""

    id: str
    status: Literal["open", "complete"]
    """Complete once all parts are one file, which can be imported."""
    filename: str
    size_bytes: Int64 | None
    """Null while it is not known."""
    part_bytes: Int64
    """The length of each part but the last."""
    part_count: Int32 | None
    """Null while the size is not known."""
    max_bytes: Int64
    """How long the file may be."""
    fingerprint: str
    initiator: str
    """The name of the token that started it."""
    creation_time: Int64
    expiry_time: Int64
    """When it is deleted, unless it is imported, or URLs are asked for, before."""


class UploadRepresentation(UploadSummary):
    """A direct upload, and which parts have arrived."""

    received: list[PartRange]
    """Parts that have arrived in full length; an upload that was cut off goes on with the others.
    Empty once it is complete."""
    received_bytes: Int64


class StartedUpload(UploadSummary):
    """A direct upload, with URLs for its first parts."""

    urls: PartUrls


class UploadCollection(WireModel):
    """Direct uploads of one list that have not been imported, newest first."""

    items: list[UploadSummary]
