"""How a list is to be read, as its importer says. What is left open is found from its content."""

from dataclasses import dataclass
from typing import Final, Literal

from worker.options.exports import Profile

Format = Literal["csv", "tsv", "jsonl", "parquet"]
Delimiter = Literal["comma", "semicolon", "pipe", "tab", "auto"]
Compression = Literal["none", "gzip", "zstd", "bzip2"]
Encoding = Literal["utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "latin-1"]

#: Numbers of columns that can be asked for.
_MOST_COLUMNS: Final = 10_000
#: Options that say nothing about lists of these formats.
_MEANINGLESS: Final = {
    "parquet": ("delimiter", "header", "compression", "encoding", "profile"),
    "jsonl": ("delimiter", "header", "profile"),
}


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What an importer says about a list; the defaults leave everything to its content."""

    format: Format | None = None
    delimiter: Delimiter | None = None
    header: bool | None = None
    """Whether the first row names the columns; unset, it does if a column is chosen by name."""
    column: str | None = None
    """Digits are a number, from 1; anything else is a name."""
    compression: Compression | None = None
    encoding: Encoding | None = None
    trim: bool = False
    """Whether spaces and invisible characters around a key are removed."""
    lowercase: bool = False
    null_text: str | None = None
    """A cell that is this text is blank."""
    profile: Profile = "exact"
    """``spreadsheet`` undoes what an export of that profile has done to keys."""

    @property
    def column_number(self) -> int | None:
        """The chosen column, from 0, if it is chosen by its number."""
        return int(self.column) - 1 if self.column and _is_number(self.column) else None

    @property
    def column_name(self) -> str | None:
        """The chosen column, if it is chosen by its name."""
        return None if self.column is None or _is_number(self.column) else self.column

    @property
    def changes_keys(self) -> bool:
        """Whether keys are not taken exactly as given."""
        return self.trim or self.lowercase or self.null_text is not None or self.profile != "exact"

    def find_fault(self) -> str | None:
        """What cannot be meant, whatever the list is; ``None`` if all can."""
        if self.column == "":
            return "column: it is empty; name a column, or leave it out"
        if self.column_number is not None and not 0 <= self.column_number < _MOST_COLUMNS:
            return f"column: columns are counted from 1 to {_MOST_COLUMNS:,}"
        if self.format == "tsv" and self.delimiter not in {None, "tab"}:
            return "delimiter: a list of format tsv is separated by tabs; send format=csv"
        if self.header is False and self.column_name is not None and self.format != "jsonl":
            return "column: a column is found by its name in the header; leave header out"
        return None if self.format is None else self.find_misfit(self.format)

    def find_misfit(self, format_: Format) -> str | None:
        """What is said about a list that lists of its format do not have; ``None`` if nothing."""
        for name in _MEANINGLESS.get(format_, ()):
            if getattr(self, name) not in {None, False, "none", "exact"}:
                return f"{name}: a list of format {format_} has none"
        return None


def _is_number(column: str) -> bool:
    return column.isascii() and column.isdigit()
