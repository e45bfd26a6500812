"""Options of `bigseg import` that say how the list is read, and what was found of it, in words."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from api.cli.errors import UsageError
from worker.options.exports import Profile
from worker.options.lists import Compression, Delimiter, Encoding, Format

_PANEL: Final = "How the list is read (found from its content when left out)"
#: What is not worth a line: a list as LaunchDarkly takes it.
_USUAL: Final = {
    "format": "csv",
    "compression": "none",
    "encoding": "utf-8",
    "delimiter": "comma",
    "header": False,
    "column": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How the list of an import is read."""

    format: Annotated[
        Format | None, typer.Option(help="What the list is.", rich_help_panel=_PANEL)
    ] = None
    delimiter: Annotated[
        Delimiter | None,
        typer.Option(
            help="What separates columns; `auto` finds it.",
            show_default="comma; auto with --header or --column",
            rich_help_panel=_PANEL,
        ),
    ] = None
    header: Annotated[
        bool | None,
        typer.Option(
            help="Whether the first row names the columns.",
            show_default="no header",
            rich_help_panel=_PANEL,
        ),
    ] = None
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|NUMBER",
            help="The column or JSON field of the keys; the first column is 1.",
            show_default="1",
            rich_help_panel=_PANEL,
        ),
    ] = None
    compression: Annotated[
        Compression | None,
        typer.Option(help="How the list is compressed.", rich_help_panel=_PANEL),
    ] = None
    encoding: Annotated[
        Encoding | None, typer.Option(help="The encoding of its text.", rich_help_panel=_PANEL)
    ] = None
    trim: Annotated[
        bool,
        typer.Option(
            "--trim",
            help="Remove spaces and invisible characters around keys.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Lower-case keys.", rich_help_panel=_PANEL)
    ] = False
    null_text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Take cells that are this text as blank.", rich_help_panel=_PANEL
        ),
    ] = None
    profile: Annotated[
        Profile,
        typer.Option(
            help="`spreadsheet` for a list that was exported so: it has apostrophes before keys.",
            rich_help_panel=_PANEL,
        ),
    ] = "exact"

    @property
    def fields(self) -> dict[str, str | bool]:
        """The options that were given, as the API names them.

        Raises:
            UsageError: The column is empty, as of a variable that is not set: the API would take
                that for none.
        """
        if self.column == "":
            raise UsageError("--column is empty: name a column, or leave it out")
        given: dict[str, str | bool | None] = {
            "format": self.format,
            "delimiter": self.delimiter,
            "header": self.header,
            "column": self.column,
            "compression": self.compression,
            "encoding": self.encoding,
            "trim": self.trim or None,
            "lowercase": self.lowercase or None,
            "nullText": self.null_text,
            "profile": None if self.profile == "exact" else self.profile,
        }
        return {name: value for name, value in given.items() if value is not None}


def describe_detected(detected: dict[str, Any] | None) -> str | None:
    """How a list is read, in a line; ``None`` if it is not known, or is as lists usually are."""
    if detected is None or all(detected[name] == usual for name, usual in _USUAL.items()):
        return None
    words = [detected["format"]]
    if detected["compression"] != "none":
        words.append(f"compressed by {detected['compression']}")
    if detected["delimiter"]:
        words.append(f"delimiter {detected['delimiter']}")
    if detected["encoding"]:
        words.append(detected["encoding"])
    words.append("header" if detected["header"] else "no header")
    words.append(f"keys in column {detected['column']}")
    return f"read as {', '.join(words)}"
