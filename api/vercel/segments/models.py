"""Bodies and answers of the operations on segments."""

import re
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, Field, PlainValidator, StrictStr, StringConstraints, ValidationError

from api.bodies.documented import DocumentedAs
from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.models import Int64, WireModel
from api.rest.bodies import parse_object
from api.vercel.segments.data import UNION, Name, SegmentData, Target
from api.vercel.segments.entries import read_target
from api.vercel.wire.parts import Part

#: Source: Terraform's provider enforces it.
SLUG: Final = re.compile(r"[a-zA-Z0-9_-]{1,512}")
#: Characters of a label, a hint and the like.
MOST_TEXT: Final = 10_000
#: Operations of one update; each looks for one value.
MOST_OPERATIONS: Final = 10_000

Text = Annotated[StrictStr, StringConstraints(max_length=MOST_TEXT)]
_Part = TypeVar("_Part", bound=BaseModel)


class NewSegmentBody(Part):
    """What a segment is created with."""

    slug: Annotated[StrictStr, StringConstraints(pattern=rf"^{SLUG.pattern}$")]
    label: Text
    hint: Text
    data: SegmentData
    description: Text | None = None
    created_by: Text | None = None


class ValueOperation(Part):
    """Adds a value to, or removes it from, the included or excluded ones."""

    action: Literal["add", "remove"]
    field: Literal["include", "exclude"]
    entity: Name
    attribute: Name
    value: Annotated[JsonObject, PlainValidator(read_target), DocumentedAs(Target)]


class SegmentPatch(Part):
    """What an update changes; what is absent stays."""

    label: Text | None = None
    description: Text | None = None
    hint: Text | None = None
    data: SegmentData | None = None
    operations: Annotated[list[ValueOperation] | None, Field(max_length=MOST_OPERATIONS)] = None


class Creator(WireModel):
    """The access token that created a segment."""

    id: str
    name: str


class Metadata(WireModel):
    """What is known of a segment beside its content."""

    creator: Creator


class SegmentHead(WireModel):
    """A segment as it is answered, without its data."""

    id: str
    slug: str
    label: str
    description: str | None = None
    hint: str
    project_id: str
    type_name: Literal["segment"] = "segment"
    created_at: Int64
    updated_at: Int64
    created_by: str | None = None
    used_by_flags: list[str] = Field(default_factory=list)
    used_by_segments: list[str]
    """Ids."""
    metadata: Metadata | None = None


class SegmentRepresentation(SegmentHead):
    """A segment as it is answered."""

    data: SegmentData


class SegmentList(WireModel):
    """All segments of a project."""

    data: list[SegmentRepresentation]


def parse_body(kind: type[_Part], raw: bytes) -> _Part:
    """Read a body.

    Raises:
        InvalidRequest: it is not JSON, or has another form; says where, never what.
    """
    try:
        return kind.model_validate(parse_object(raw), by_name=False)
    except ValidationError as exc:
        raise refusal(exc, skip=UNION) from None
