"""What can go wrong with a list file, as one tree.

ListError
├── ReadCutShort       transient: the source gave fewer bytes than it promised
├── DecoderLost        transient: the process that decodes Parquet was ended from outside
└── UnusableList       terminal: reading the same list again ends the same way
    ├── RowTooLong           one row of text is longer than the limit
    ├── NestedTooDeep        one line of JSON nests deeper than the limit
    ├── UnsupportedFormat    known to be something that no list is
    ├── UnsupportedColumn    the chosen Parquet column holds no keys
    ├── ColumnNotFound       there is no such column, or it has to be chosen first
    ├── ContradictedOption   the list is not what its importer says
    ├── DamagedCompression   compressed bytes that cannot be decompressed
    ├── CompressedTooWell    compressed bytes that hold far more than a list would
    ├── UnreadableList       not a Parquet file after all, or a damaged one
    └── BrokenSpill          a spill does not hold what its index says

No message holds a context key; offsets, row counts and schemas are safe to show.
"""

from worker.errors import BigsegError, TerminalError, TransientError
from worker.foreign_files import ForeignFile


class ListError(BigsegError):
    """The base of all errors about lists."""


class ReadCutShort(ListError, TransientError):
    """The source ended before the bytes it was asked for. Safe to retry."""

    def __init__(self, *, start: int, end: int, received: int) -> None:
        super().__init__(
            f"bytes {start}-{end} of the list were asked for and only {received} bytes came; "
            "read the range again"
        )


class DecoderLost(ListError, TransientError):
    """The process that decodes Parquet ended, and not because of the file. Safe to retry."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"the process that decodes Parquet {how}; check whether the host is short of memory, "
            "then import the list again"
        )


class UnusableList(ListError, TerminalError):
    """The list cannot be used as it is; reading it again changes nothing."""


class RowTooLong(UnusableList):
    """One row is longer than the limit, mostly because a quote is never closed."""

    def __init__(self, *, offset: int, limit: int) -> None:
        super().__init__(
            f"the row that starts at byte {offset} is longer than {limit} bytes; "
            "look for a quote that is never closed"
        )
        self.offset = offset
        """Byte offset of the row's start in the file."""


class NestedTooDeep(UnusableList):
    """One line of JSON nests deeper than the limit."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"a line of JSON nests over {limit} levels deep; write only the keys, one a line"
        )


class UnsupportedFormat(UnusableList):
    """The file is known to be no list, or one in a format that is not read."""

    def __init__(self, found: ForeignFile) -> None:
        super().__init__(str(found))


class UnsupportedColumn(UnusableList):
    """The chosen Parquet column is of a type that has no text form as a key."""

    def __init__(self, advice: str, schema: str) -> None:
        super().__init__(f"{advice}; the schema is: {schema}")
        self.advice = advice
        """Which column it is, and what to do."""
        self.schema = schema
        """One line, ``name: type`` for each column."""


class ColumnNotFound(UnusableList):
    """There is no such column, or which one holds the keys has to be said."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}; send column with the name or number of the one that holds the keys"
        )
        self.reason = reason
        """What is missing."""


class ContradictedOption(UnusableList):
    """The list is not what its importer says."""

    def __init__(self, option: str, found: str) -> None:
        super().__init__(f"{option} was asked for, but the list {found}; leave that option out")


class DamagedCompression(UnusableList):
    """The bytes are not compressed as they should be, or end too early."""

    def __init__(self, compression: str, reason: str, remedy: str = "send it again") -> None:
        super().__init__(f"the list cannot be decompressed ({compression}): {reason}; {remedy}")


class CompressedTooWell(UnusableList):
    """The compressed bytes hold far more than a list would, or are made to fill memory."""

    def __init__(self, taken: int, produced: int) -> None:
        super().__init__(
            f"{taken:,} compressed bytes hold over {produced:,}, more than any list would; "
            "decompress it and import what it holds"
        )


class UnreadableList(UnusableList):
    """The bytes are not the Parquet file they claim to be."""

    def __init__(self, reason: str, remedy: str = "write it again") -> None:
        super().__init__(f"the list cannot be read as Parquet: {reason}; {remedy}")
        self.reason = reason
        """What is wrong with it, in a few words."""
        self.remedy = remedy
        """What its importer should do."""


class BrokenSpill(UnusableList):
    """A spill's bytes are not what its index promises; scatter its chunk again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a spill cannot be read: {reason}; scatter its chunk again")
