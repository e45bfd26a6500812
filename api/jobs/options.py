"""Options of an import: the only place where these fields are declared.

A form and a JSON body take the same options. A form has them as text: booleans as generated
clients write them, and empty for what is left out.
"""

from typing import Annotated, Final, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, ValidationError

from api.bodies.faults import refusal
from api.bodies.forms.fields import FILE_FIELD, FormError, parse_flag
from api.bodies.models import StrictBody, blank_is, wire_names
from api.bodies.unknown_names import unknown_field

Mode = Literal["merge", "replace"]

_DEFAULT_MODE: Final = "merge"


def _parse_form_flag(value: object) -> object:
    if value is None:
        return False
    if not isinstance(value, str):
        return value
    try:
        return parse_flag("it", value)
    except FormError as exc:
        message = "use true or false"
        raise ValueError(message) from exc


#: A boolean, in JSON or as a form has it.
FormFlag = Annotated[bool, BeforeValidator(_parse_form_flag)]


class ImportOptions(StrictBody):
    """How a list is imported."""

    mode: Annotated[
        Mode,
        blank_is(_DEFAULT_MODE),
        Field(description="Whether the list is added to the segment or replaces its members."),
    ] = _DEFAULT_MODE
    allow_empty: Annotated[
        FormFlag, Field(description="Whether a list without keys may empty a segment.")
    ] = False
    wait_on_approvals: Annotated[
        FormFlag,
        Field(
            description="Whether the import waits for `processBigSegmentImport` before it is "
            "visible."
        ),
    ] = False
    allow_rejected: Annotated[
        FormFlag,
        Field(
            description="Whether a list may be imported even if most or all of its rows are "
            "rejected."
        ),
    ] = False
    allow_shrink: Annotated[
        FormFlag, Field(description="Whether a replace may remove most of the segment's keys.")
    ] = False


class SourceBody(ImportOptions):
    """An import of a list that is in S3 already."""

    source: Annotated[
        str,
        Field(max_length=2_000, description="An object below a prefix that the operator allows."),
    ]


#: The parts that a form may have.
FORM_FIELDS: Final = (FILE_FIELD, *wire_names(ImportOptions))


def read_options(fields: dict[str, str]) -> ImportOptions:
    """Read the text fields of a form.

    Raises:
        InvalidRequest: one is wrong or not known; says which.
    """
    try:
        return ImportOptions.model_validate(fields)
    except ValidationError as exc:
        raise refusal(exc) from exc


def name_fault(name: str) -> str | None:
    """What is wrong with the name of a form's part; ``None`` if a form may have it."""
    return None if name in FORM_FIELDS else unknown_field(name, FORM_FIELDS)


def read_source(body: object) -> SourceBody:
    """Read a JSON body.

    Raises:
        RequestValidationError: a field is wrong or not known; says where.
    """
    try:
        return SourceBody.model_validate(body)
    except ValidationError as exc:
        raise RequestValidationError(exc.errors()) from exc
