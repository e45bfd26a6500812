"""Options of an import: the only place where these fields are declared.

A form and a JSON body take the same options. A form writes them as text: booleans as
generated clients do, and nothing at all for what is left out.
"""

from typing import Annotated, Final, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, ValidationError

from api.bodies.faults import refusal
from api.bodies.strict import StrictBody, field_names, unknown_field
from api.http.forms.errors import FormError
from api.http.forms.multipart import FILE_FIELD, parse_flag
from api.launchdarkly.targeting.fields import blank_is

Mode = Literal["merge", "replace"]

_DEFAULT_MODE: Final = "merge"


def _flag(value: object) -> object:
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
Flag = Annotated[bool, BeforeValidator(_flag)]


class ImportOptions(StrictBody):
    """How a list is imported."""

    mode: Annotated[Mode, blank_is(_DEFAULT_MODE)] = _DEFAULT_MODE
    allowEmpty: Flag = False  # noqa: N815 - wire name
    waitOnApprovals: Flag = False  # noqa: N815 - wire name
    allowRejected: Flag = False  # noqa: N815 - wire name
    allowShrink: Flag = False  # noqa: N815 - wire name


class SourceBody(ImportOptions):
    """An import of a list that is in S3 already."""

    source: Annotated[str, Field(max_length=2_000)]


#: The parts that a form may have.
FORM_FIELDS: Final = (FILE_FIELD, *field_names(ImportOptions))


def form_options(fields: dict[str, str]) -> ImportOptions:
    """Read the text fields of a form.

    Raises:
        InvalidRequest: one is wrong or not known; says which.
    """
    try:
        return ImportOptions.model_validate(fields)
    except ValidationError as exc:
        raise refusal(exc) from exc


def name_fault(name: str) -> str | None:
    """What is wrong with the name of a form's part; nothing if a form may have it."""
    return None if name in FORM_FIELDS else unknown_field(name, FORM_FIELDS)


def source_body(body: object) -> SourceBody:
    """Read a JSON body.

    Raises:
        RequestValidationError: a field is wrong or not known; says where.
    """
    try:
        return SourceBody.model_validate(body)
    except ValidationError as exc:
        raise RequestValidationError(exc.errors()) from exc
