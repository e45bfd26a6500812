"""The results that stages of an import leave for later ones."""

from dataclasses import dataclass, field
from typing import Final

from worker.imports.spill_store import SpillFile
from worker.lists.format import ListFormat
from worker.lists.spills import SpillIndex
from worker.lists.text.form import TextForm
from worker.objects import ObjectInfo
from worker.store.jobs import (
    StageField,
)
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.records import stored


@stored
@dataclass(frozen=True, slots=True)
class Source:
    """One list file, as it was when the import was planned."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    format: ListFormat
    text: TextForm = field(default_factory=TextForm)
    """Of a list of text: how its rows are read."""
    column: int = 0
    """Of a Parquet list: the column of the keys, from 0."""

    @property
    def info(self) -> ObjectInfo:
        """The object, with the ETag that every read requires."""
        return ObjectInfo(self.bucket, self.key, self.size_bytes, self.etag)


@stored
@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of scatter work: bytes of a text file, row groups of Parquet, or whole files."""

    source: int
    first: int
    stop: int
    """Exclusive."""
    rows: int = 0
    """Rows of its row groups; 0 for a file of text, whose rows are not known yet."""
    file: int = 0
    """The number of its file among all of the import, or of the first of its files."""
    files: int = 0
    """Of a chunk of whole files: how many there are. Then ``source`` means nothing, and what each
    file is shows when it is read."""


@stored
@dataclass(frozen=True, slots=True)
class Plan:
    """How an import is cut; never changed."""

    sources: tuple[Source, ...]
    """The files that are cut, or the only one; the others are looked at when they are read."""
    chunks: tuple[Chunk, ...]
    range_bits: int
    """Spills are cut into 2 to this power ranges of the hash."""
    bytes_total: int
    doubts: tuple[str, ...] = ()
    """Labels of doubts about whole files."""
    files: int = 0
    """How many files the import has; 0 in records from before there were several."""
    attempt: str = ""
    """The try that has found them."""


@stored
@dataclass(frozen=True, slots=True)
class Spill:
    """One spill: where it is, and where each range of hashes is in it."""

    file: SpillFile
    index: SpillIndex


#: How many rows have a doubt, and the first of those rows, from 1.
DoubtCount = tuple[int, tuple[int, ...]]


@stored
@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What one chunk held; ``rows = valid + sum(rejected)``."""

    start: str
    """The state of the CSV parser that the chunk was read with, ``row`` or ``quoted``."""
    end: str
    """The parser's state at the first line of the next chunk."""
    rows: int
    valid: int
    packed_bytes: int
    rejected: dict[str, int]
    """Number of rows by reason."""
    sample: tuple[tuple[int, str], ...]
    """Rejected rows within the chunk, from 1, and their reasons."""
    doubts: dict[str, DoubtCount]
    """By the doubt's label."""
    skipped: int = 0
    """Rows before the first of these that are none: a header, a line that names the separator."""
    skipped_within: int = 0
    """Of a chunk of whole files: rows in front of them that are none. The other figures number
    rows with these."""
    fault_at: int | None = None
    """Where a row begins that is too long to be one; final only if ``start`` is right."""
    spill: Spill | None = None
    """``None`` when its members were gathered at once."""
    rejected_part: SpillFile | None = None
    """Its rejected rows with their cells; ``None`` without any."""


@stored
@dataclass(frozen=True, slots=True)
class Built:
    """Members of some shards of one side: those of the base, and those written."""

    base: int = 0
    written: int = 0
    added: int = 0
    unchanged: int = 0

    def __add__(self, other: "Built") -> "Built":
        return Built(
            self.base + other.base,
            self.written + other.written,
            self.added + other.added,
            self.unchanged + other.unchanged,
        )


@stored
@dataclass(frozen=True, slots=True)
class RangeResult:
    """What gathering one range built."""

    accepted: int
    """Distinct members of the list files, or of what is composed."""
    included: Built
    excluded: Built
    read: int = 0
    """Of a composition: members of its source lists."""

    def built(self, side: Side) -> Built:
        """One side's members."""
        return self.included if side == INCLUDED else self.excluded

    def written(self, side: Side) -> int:
        """Members of one side that were sent to the store."""
        return self.built(side).written


SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)

PLAN: Final = StageField("plan", Plan)
#: Chunks to be read from another state of the parser than the usual one.
STARTS: Final = StageField("starts", dict[int, str])
RANGE_COUNT: Final = StageField("range_count", int)
#: How often ranges were gathered again because the store had lost shards of them.
GATHERED_AGAIN: Final = StageField("gathered_again", int)
