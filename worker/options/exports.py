"""How a list is written by an export, and where to."""

from dataclasses import dataclass
from typing import Final, Literal

ExportFormat = Literal["csv", "jsonl", "parquet"]
ExportCompression = Literal["none", "gzip", "zstd"]
#: Which of a segment's two lists are written.
ExportSide = Literal["included", "excluded", "both"]
#: A file that is ``exact`` can be imported again as it is. One for a ``spreadsheet`` has no cell
#: that would be calculated, and is imported again with the same profile.
Profile = Literal["exact", "spreadsheet"]

#: Keys in a part: enough that parts are worth their requests, and what fits any object.
LEAST_PART_ROWS: Final = 1_000
MOST_PART_ROWS: Final = 1_000_000_000

_ENDINGS: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of an export; the defaults write one CSV file of the included keys."""

    format: ExportFormat = "csv"
    compression: ExportCompression = "none"
    """Of text. Parquet is always compressed inside, by zstd."""
    side: ExportSide = "included"
    """With ``both``, a second column says which list a key is from."""
    header: bool = False
    """Whether the first row of CSV names the columns; other formats always name them."""
    profile: Profile = "exact"
    part_rows: int | None = None
    """The most keys of one file; unset, there is one file. With it there is a manifest, too."""
    destination: str | None = None
    """``s3://bucket/prefix`` that the files' names follow, checked against the allow-list by
    whoever makes this value; unset, bigseg keeps the files itself for a while."""

    @property
    def ending(self) -> str:
        """What names of the files end in, such as ``csv.gz``."""
        return self.format + _ENDINGS[self.compression]

    def find_fault(self) -> str | None:
        """Which option does not go with the others, and why; ``None`` if all do."""
        if self.format != "csv":
            if self.header:
                return f"header: a file of format {self.format} always names its columns"
            if self.profile != "exact":
                return f"profile: a file of format {self.format} is no spreadsheet; export csv"
        if self.format == "parquet" and self.compression != "none":
            return "compression: a Parquet file is compressed inside; leave it out"
        if self.part_rows is not None and not LEAST_PART_ROWS <= self.part_rows <= MOST_PART_ROWS:
            return f"partRows: a part has {LEAST_PART_ROWS:,} to {MOST_PART_ROWS:,} rows"
        return None
