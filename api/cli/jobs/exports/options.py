"""Options of `bigseg export` that say how the keys are written, and where to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import typer

from api.cli.errors import UsageError
from worker.options.exports import ExportSide, Profile

_PANEL: Final = "How the keys are written"
Ending = Literal["csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst", "parquet"]

#: Format and compression by what a file's name ends with.
_ENDINGS: Final = {
    "csv": ("csv", "none"),
    "csv.gz": ("csv", "gzip"),
    "csv.zst": ("csv", "zstd"),
    "jsonl": ("jsonl", "none"),
    "jsonl.gz": ("jsonl", "gzip"),
    "jsonl.zst": ("jsonl", "zstd"),
    "ndjson": ("jsonl", "none"),
    "ndjson.gz": ("jsonl", "gzip"),
    "ndjson.zst": ("jsonl", "zstd"),
    "parquet": ("parquet", "none"),
}
#: Endings that name something else than what would be written without --format.
_FOREIGN: Final = frozenset(
    ("gz", "zst", "bz2", "xz", "zip", "json", "tsv", "xls", "xlsx", "ods", "avro", "orc", "arrow")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingOptions:
    """How the keys of an export are written."""

    format: Annotated[
        Ending | None,
        typer.Option(
            "--format",
            help="The format, and how it is compressed.",
            show_default="what the name of the file ends with, else csv",
            rich_help_panel=_PANEL,
        ),
    ] = None
    side: Annotated[
        ExportSide,
        typer.Option(
            help="Which of the segment's lists; `both` has a column that says which.",
            rich_help_panel=_PANEL,
        ),
    ] = "included"
    header: Annotated[
        bool,
        typer.Option(
            "--header", help="Name the columns in the first row of CSV.", rich_help_panel=_PANEL
        ),
    ] = False
    profile: Annotated[
        Profile,
        typer.Option(
            help="Keys exactly as they are, or CSV for spreadsheets, without formulas.",
            rich_help_panel=_PANEL,
        ),
    ] = "exact"
    part_rows: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Write parts of at most this many keys; --output is then a directory.",
            show_default="one file",
            rich_help_panel=_PANEL,
        ),
    ] = None
    destination: Annotated[
        str | None,
        typer.Option(
            metavar="S3-URI",
            help="Have the files written to this folder in S3, and download nothing.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def body(self, output: Path | None) -> dict[str, Any]:
        """The options that differ from the defaults, as the API names them.

        Args:
            output: the file that is written; its name says the format, if no option does.

        Raises:
            UsageError: its name says a format that there is not.
        """
        format_, compression = _ENDINGS[self.format or _ending_of(output)]
        given = {
            "format": format_,
            "compression": compression,
            "side": self.side,
            "header": self.header,
            "profile": self.profile,
            "partRows": self.part_rows,
            "destination": self.destination,
        }
        usual = {"compression": "none", "side": "included", "header": False, "profile": "exact"}
        return {
            name: value
            for name, value in given.items()
            if value is not None and usual.get(name) != value
        }


def _ending_of(output: Path | None) -> str:
    """What the name of a file ends with, if that is a format; else CSV.

    Raises:
        UsageError: it is a format, but none of an export.
    """
    parts = [] if output is None else output.name.lower().split(".")[1:]
    for length in (2, 1):
        ending = ".".join(parts[-length:])
        if ending in _ENDINGS:
            return ending
    if parts and parts[-1] in _FOREIGN:
        raise UsageError(
            f"no export is of the format that the name {output} says: end it in "
            f"{', '.join(f'.{ending}' for ending in get_args(Ending))}, or say --format"
        )
    return "csv"
