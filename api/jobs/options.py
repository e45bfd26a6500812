"""Options of an import: the only place where these fields are declared.

A form and a JSON body take the same options. A form has them as text: booleans as generated
clients write them, and empty for what is left out.
"""

from dataclasses import replace
from typing import Annotated, Final, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.faults import refusal
from api.bodies.forms.fields import FILE_FIELD
from api.bodies.models import blank_is, wire_names
from api.bodies.unknown_names import unknown_field
from api.jobs.change_options import ChangeOptions, FormFlag, Share, parse_form_flag
from worker.objects import NamedSource, parse_manifest_source, parse_named
from worker.options.exports import Profile
from worker.options.guards import GuardOptions, OnWarning
from worker.options.lists import Compression, Delimiter, Encoding, Format, ListOptions

Mode = Literal["merge", "replace", "remove"]

_DEFAULT_MODE: Final = "merge"
#: Characters of a column's name, or of a text that stands for nothing.
_LONGEST_NAME: Final = 200

#: A boolean as in `FormFlag`, where leaving it out means something else than false.
OpenFormFlag = Annotated[
    bool | None,
    BeforeValidator(lambda value: None if _is_blank(value) else parse_form_flag(value)),
]
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


class ImportOptions(ChangeOptions):
    """How a list is imported."""

    mode: Annotated[
        Mode,
        blank_is(_DEFAULT_MODE),
        Field(
            description="Whether the list is added to the segment, replaces its members, or is "
            "removed from them."
        ),
    ] = _DEFAULT_MODE
    allow_rejected: Annotated[
        FormFlag,
        Field(
            description="Whether a list may be imported even if most or all of its rows are "
            "rejected."
        ),
    ] = False
    allow_erased: Annotated[
        FormFlag,
        Field(
            description="Whether keys that were erased from the environment may be members again. "
            "Without it their rows are left out, and counted as `erased`."
        ),
    ] = False
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
        if fault is not None:
            raise PydanticCustomError("options", "{fault}", {"fault": fault})
        return self

    @property
    def guards(self) -> GuardOptions:
        """What happens when a guard trips, and where they trip."""
        return replace(
            super().guards,
            on_warning=self.on_warning,
            max_rejected_share=self.max_rejected_share,
            max_warning_share=self.max_warning_share,
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
