"""Bodies and answers of the operations on segments."""

import re
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, PlainValidator, StrictStr, StringConstraints, ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.models import Int64, WireModel
from api.errors import InvalidRequest
from api.vercel.segments.data import UNION, Name, Part, SegmentData
from api.vercel.segments.entries import read_target

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


class Operation(Part):
    """Adds a value to, or removes it from, the included or excluded ones."""

    action: Literal["add", "remove"]
    field: Literal["include", "exclude"]
    entity: Name
    attribute: Name
    value: Annotated[JsonObject, PlainValidator(read_target)]


class SegmentPatch(Part):
    """What an update changes; what is absent stays."""

    label: Text | None = None
    description: Text | None = None
    hint: Text | None = None
    data: SegmentData | None = None
    operations: Annotated[list[Operation] | None, Field(max_length=MOST_OPERATIONS)] = None


class Creator(WireModel):
    """The access token that created a segment."""

    id: str
    name: str


class Metadata(WireModel):
    """What is known of a segment beside its content."""

    creator: Creator


class SegmentRepresentation(WireModel):
    """A segment as it is answered."""

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
    data: dict[str, Any]
    metadata: Metadata | None = None


class SegmentList(WireModel):
    """All segments of a project."""

    data: list[SegmentRepresentation]


def parse_body(kind: type[_Part], body: object) -> _Part:
    """Read a body that is JSON already.

    Raises:
        InvalidRequest: it has another form; says where, never what.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    try:
        return kind.model_validate(body, by_name=False)
    except ValidationError as exc:
        raise refusal(exc, skip=UNION) from None
