"""Options of an import: the only place where these fields are declared.

A form and a JSON body take the same options. A form has them as text: booleans as generated
clients write them, and empty for what is left out.
"""

from typing import Annotated, Final, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.faults import refusal
from api.bodies.forms.fields import FILE_FIELD, FormError, parse_flag
from api.bodies.models import StrictBody, blank_is, wire_names
from api.bodies.unknown_names import unknown_field
from worker.export_options import Profile
from worker.guard_options import GuardOptions, OnGuard, OnWarning
from worker.list_options import Compression, Delimiter, Encoding, Format, ListOptions
from worker.objects import NamedSource, parse_manifest_source, parse_named
from worker.store import Side

Mode = Literal["merge", "replace", "remove"]

_DEFAULT_MODE: Final = "merge"
_DEFAULT_TARGET: Final = "included"
#: Characters of a column's name, or of a text that stands for nothing.
_LONGEST_NAME: Final = 200


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


#: The same, where leaving it out means something else than false.
OpenFormFlag = Annotated[
    bool | None,
    BeforeValidator(lambda value: None if _is_blank(value) else _parse_form_flag(value)),
]
#: A share of something, as JSON or as a form has it; blank leaves it to the settings.
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
#: By how many times something grows.
Growth = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ShortText = Annotated[str, Field(max_length=_LONGEST_NAME)]
_DELIMITERS: Final = {",": "comma", ";": "semicolon", "|": "pipe", "\t": "tab", "\\t": "tab"}


def _is_blank(value: object) -> bool:
    return value is None or value == ""


def _name_delimiter(value: object) -> object:
    if _is_blank(value):
        return None
    return _DELIMITERS.get(value, value) if isinstance(value, str) else value


def _column_text(value: object) -> object:
    if _is_blank(value):
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ImportOptions(StrictBody):
    """How a list is imported."""

    mode: Annotated[
        Mode,
        blank_is(_DEFAULT_MODE),
        Field(
            description="Whether the list is added to the segment, replaces its members, or is "
            "removed from them."
        ),
    ] = _DEFAULT_MODE
    target: Annotated[
        Side,
        blank_is(_DEFAULT_TARGET),
        Field(
            description="Which of the segment's two lists is changed; the other one stays as it "
            "is. A key may be in both: it is included then. An attached list has no `excluded`."
        ),
    ] = _DEFAULT_TARGET
    allow_empty: Annotated[
        FormFlag,
        Field(description="Whether a `replace` or a `remove` may leave a segment without keys."),
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
        FormFlag,
        Field(
            description="Whether a `replace` or a `remove` may remove most of the segment's keys."
        ),
    ] = False
    dry_run: Annotated[
        FormFlag,
        Field(description="Whether the import only reports what it would do, and changes nothing."),
    ] = False
    on_guard: Annotated[
        OnGuard,
        blank_is("pend"),
        Field(
            description="What happens when a guard trips: the import waits for an approval, or is "
            "stopped."
        ),
    ] = "pend"
    on_warning: Annotated[
        OnWarning | None,
        blank_is(None),
        Field(
            description="What happens when too many rows are doubtful. When left out, a merge "
            "accepts them and a replace waits for an approval."
        ),
    ] = None
    max_rejected_share: Annotated[
        Share | None,
        blank_is(None),
        Field(description="The share of rejected rows above which a guard trips."),
    ] = None
    max_warning_share: Annotated[
        Share | None,
        blank_is(None),
        Field(description="The share of doubtful rows that is too many."),
    ] = None
    max_shrink_share: Annotated[
        Share | None,
        blank_is(None),
        Field(
            description="The share of the keys, of a segment of any size, that a replace may "
            "remove before a guard trips."
        ),
    ] = None
    max_growth_share: Annotated[
        Growth | None,
        blank_is(None),
        Field(
            description="By what share of its keys a replace may make a segment of any size grow "
            "before a guard trips; 1 is twice as many keys."
        ),
    ] = None
    format: Annotated[
        Format | None,
        blank_is(None),
        Field(description="What the list is; found from its content when left out."),
    ] = None
    delimiter: Annotated[
        Delimiter | None,
        BeforeValidator(_name_delimiter),
        Field(
            description="What separates columns of text: a name or the character. `auto` finds "
            "it, as does a `header` or `column`. When all three are left out it is the comma, or "
            "what a first line `sep=` names, or the tab if every first cell has one."
        ),
    ] = None
    header: Annotated[
        OpenFormFlag, Field(description="Whether the first row names the columns and is no key.")
    ] = None
    column: Annotated[
        ShortText | None,
        BeforeValidator(_column_text),
        Field(
            description="The column of the keys, or the field of JSON objects: its name, or its "
            "number from 1. A name of text in columns means that there is a header.",
        ),
    ] = None
    compression: Annotated[
        Compression | None,
        blank_is(None),
        Field(description="How a list of text is compressed; found when left out."),
    ] = None
    encoding: Annotated[
        Encoding | None,
        blank_is(None),
        Field(
            description="The encoding of text. UTF-8 and UTF-16 are found; the others are only "
            "read when said."
        ),
    ] = None
    trim: Annotated[
        FormFlag,
        Field(description="Whether spaces and invisible characters around keys are removed."),
    ] = False
    lowercase: Annotated[FormFlag, Field(description="Whether keys are lower-cased.")] = False
    null_text: Annotated[
        ShortText | None,
        blank_is(None),
        Field(description="A cell that is this text, such as `NULL`, is blank."),
    ] = None
    profile: Annotated[
        Profile,
        blank_is("exact"),
        Field(
            description="`spreadsheet` for an export of that profile: the apostrophes that keep "
            "cells from being formulas are taken away."
        ),
    ] = "exact"

    @model_validator(mode="after")
    def _require_sense(self) -> Self:
        fault = self.reading.find_fault()
        if self.dry_run and self.wait_on_approvals:
            fault = "dryRun: a dry run publishes nothing that could be approved"
        if fault is not None:
            raise PydanticCustomError("options", "{fault}", {"fault": fault})
        return self

    @property
    def guards(self) -> GuardOptions:
        """What happens when a guard trips, and where they trip."""
        return GuardOptions(
            on_guard=self.on_guard,
            on_warning=self.on_warning,
            max_rejected_share=self.max_rejected_share,
            max_warning_share=self.max_warning_share,
            max_shrink_share=self.max_shrink_share,
            max_growth_share=self.max_growth_share,
        )

    @property
    def reading(self) -> ListOptions:
        """How the list is read."""
        return ListOptions(
            format=self.format,
            delimiter=self.delimiter,
            header=self.header,
            column=self.column,
            compression=self.compression,
            encoding=self.encoding,
            trim=self.trim,
            lowercase=self.lowercase,
            null_text=self.null_text,
            profile=self.profile,
        )


#: Addresses that a request may list; a manifest may have as many as an import has objects.
_MOST_SOURCES: Final = 1_000

Address = Annotated[str, Field(max_length=2_000)]


class SourceBody(ImportOptions):
    """An import of a list that is in S3 already: of a `source`, of `sources` or of a `manifest`."""

    source: Annotated[
        Address | None,
        Field(
            description="An object below a prefix that the operator allows; with `/` at its end "
            "all objects below it; with `*`, `?` or `[…]` those whose keys match, where `**` "
            "matches `/`, too. An object with just this key is taken instead of a pattern.",
        ),
    ] = None
    sources: Annotated[
        list[Address] | None,
        Field(min_length=1, max_length=_MOST_SOURCES, description="Several such, as one import."),
    ] = None
    manifest: Annotated[
        Address | None,
        Field(
            description="An object that names the others, as Redshift's manifests do or with one "
            "address a line."
        ),
    ] = None

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        given = [self.source, self.sources, self.manifest]
        if sum(value is not None for value in given) != 1:
            message = "send exactly one of source, sources and manifest"
            raise PydanticCustomError("sources", message)
        return self

    def named(self, allowed: tuple[str, ...]) -> list[NamedSource]:
        """What it names.

        Raises:
            SourceNotAllowed: it names what no import may read.
        """
        if self.manifest is not None:
            return [parse_manifest_source(self.manifest, allowed)]
        addresses = self.sources or [self.source or ""]
        return [parse_named(address, allowed) for address in addresses]


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
