"""Exact reading of one byte range of a CSV file, or of a whole one that comes as a stream.

A file is cut anywhere into chunks. The only places where one chunk's reader can take
over from another's are the starts of physical lines, and there the parser is in one of
two states: at the start of a row, or inside quotes that hold a newline. A chunk owns
the rows that start on the physical lines that start in it. It is read as if its state
were ``ROW``, and read again as ``QUOTED`` where the end state of the chunk before it
requires it; the rows of all chunks together are then exactly the file's.
"""

import codecs
import dataclasses
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from worker.byte_columns import Column
from worker.lists.byte_streams import ForwardReader, ReadRange, StreamReader
from worker.lists.csv.lines import next_line_start
from worker.lists.csv.rows import BlockRows, read_rows
from worker.lists.errors import RowTooLong
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.rules import KeyRules
from worker.lists.keys.validation import KeyBatch, validate

#: Bytes parsed at a time: large enough for numpy's overhead to vanish, small for memory.
BLOCK_BYTES = 512 * 1024
#: Longest row in bytes, terminator included: what an unclosed quote may cost in memory.
ROW_LIMIT_BYTES = 1024 * 1024
#: Bytes read beyond a chunk's end in the same range, to finish its last row.
OVERRUN_BYTES = 64 * 1024

_BOM = codecs.BOM_UTF8


class CsvState(Enum):
    """What the parser is in the middle of at the start of a physical line."""

    ROW = "row"
    """Nothing: a row starts here."""
    QUOTED = "quoted"
    """A quoted cell of an earlier line that holds the newline before this one."""


@dataclass(frozen=True, slots=True)
class CsvChunk:
    """A byte range of a CSV file."""

    start: int
    """Byte offset of the first byte."""
    end: int
    """Byte offset after the last byte, at most ``size``."""
    size: int
    """Bytes in the whole file."""


#: A whole file of a size that is not known before its end.
WHOLE_STREAM: Final = CsvChunk(0, 1 << 62, 1 << 62)


class ReadRows(Protocol):
    """Reads the rows at the front of a block; see :func:`read_rows`."""

    def __call__(self, block: bytes, *, limit: int, final: bool) -> BlockRows:
        """Read the rows that start before ``limit`` and end in the block."""
        ...


@dataclass(frozen=True, slots=True)
class RowSyntax:
    """How the bytes of a list become rows and its cells keys; by default as a plain CSV list."""

    read_rows: ReadRows = read_rows
    is_table: bool = True
    """Whether cells may hold what spreadsheets leave around keys."""
    to_utf8: Callable[[Column], Column] | None = None
    """Converts cells to UTF-8, unless they are."""
    rules: KeyRules | None = None
    skipped: int = 0
    """Rows at the front of the file that are left out."""
    delimiters: tuple[Doubt, ...] = ()
    """Doubts about delimiters for which rows are counted."""
    source_widths: np.ndarray | None = None
    """Of text that was converted before it is cut: how many bytes of the file each of the 256
    bytes stands for."""

    def validate(self, rows: BlockRows, first: int) -> KeyBatch:
        """The keys of rows from the number ``first`` on."""
        cells = rows.cells[first:]
        batch = validate(
            cells if self.to_utf8 is None else self.to_utf8(cells),
            text=self.is_table,
            quoted=None if rows.quoted is None else rows.quoted[first:],
            rules=self.rules,
            faults=None if rows.faults is None else rows.faults[first:],
            delimiters=self.delimiters,
        )
        if not rows.open_quote:
            return batch
        last = np.array([batch.row_count - 1])
        return dataclasses.replace(batch, doubts={**batch.doubts, Doubt.OPEN_QUOTE: last})


PLAIN: Final = RowSyntax()


def _open_range(chunk: CsvChunk, read: ReadRange, row_limit: int) -> ForwardReader:
    # The byte before shows whether a line starts at the chunk's first byte.
    return ForwardReader(
        read,
        start=max(chunk.start - 1, 0),
        planned_end=chunk.end + OVERRUN_BYTES,
        further_bytes=max(row_limit, OVERRUN_BYTES),
        size=chunk.size,
    )


class CsvChunkReader:
    """The keys of the rows that one chunk owns, given the state it starts in.

    Joining chunks: the first chunk's state is ``ROW``; each next one's is the
    ``end_state`` of the one before, also across chunks in which no line starts. A chunk
    that was read with another state must be read again; its batches and its errors mean
    nothing.

    Holds at most one block, one row and the piece being read. A reader is used once.
    """

    def __init__(
        self,
        chunk: CsvChunk,
        state: CsvState,
        read: ReadRange | StreamReader,
        syntax: RowSyntax = PLAIN,
        *,
        block_bytes: int = BLOCK_BYTES,
        row_limit: int = ROW_LIMIT_BYTES,
    ) -> None:
        """Read nothing yet.

        Args:
            chunk: What it owns; ``WHOLE_STREAM`` of a stream.
            state: What the parser is in the middle of at its first line.
            read: Gives ranges of the file, or is a stream of all of it.
            syntax: How bytes become rows.
            block_bytes: Bytes parsed at a time.
            row_limit: Longest row.
        """
        if chunk.start == 0 and state is CsvState.QUOTED:
            raise ValueError("a file starts at the start of a row")
        self._chunk = chunk
        self._state = state
        self._syntax = syntax
        self._to_skip = syntax.skipped if chunk.start == 0 else 0
        self.skipped = 0
        """Rows that were left out so far."""
        self._block_bytes = block_bytes
        self._row_limit = row_limit
        self._bytes = (
            read if isinstance(read, StreamReader) else _open_range(chunk, read, row_limit)
        )
        self._block = b""
        self._origin = 0
        self._source_origin = 0
        self._end_state: CsvState | None = None

    @property
    def end_state(self) -> CsvState:
        """The parser's state at the first physical line that starts at or after the end.

        It is the start state where no line starts in the chunk.

        Raises:
            RuntimeError: ``batches`` has not been exhausted.
        """
        if self._end_state is None:
            raise RuntimeError("the end state is known when all batches have been read")
        return self._end_state

    def batches(self) -> Generator[KeyBatch]:
        """Yield the chunk's rows in file order, a block's worth at a time.

        Raises:
            RowTooLong: A row is over the limit. Final only if the start state was right.
            ReadCutShort: The source gave too few bytes. Safe to retry.
        """
        try:
            yield from self._batches()
        finally:
            self._bytes.close()

    def _batches(self) -> Iterator[KeyBatch]:
        if not self._find_first_line():
            self._end_state = self._state
            return
        continued = self._state is CsvState.QUOTED
        if continued:
            # With an opening quote before it the rest of the row is a row of its own:
            # the chunk before owns it, here it is only skipped.
            self._block, self._origin = b'"' + self._block, self._origin - 1
        while True:
            # A BOM may reach past a tiny first chunk; the row after it is still owned.
            limit = max(self._chunk.end - self._origin, 1)
            rows = self._syntax.read_rows(self._block, limit=limit, final=self._bytes.at_end)
            self._check_length(rows, limit)
            first = min(len(rows.cells), 1 if continued else self._to_skip - self.skipped)
            if continued:
                continued = first == 0
            else:
                self.skipped += first
            done = rows.end >= limit or (self._bytes.at_end and rows.end == len(self._block))
            if done:
                self._end_state = self._state_after(rows.end)
            batch = self._validate(rows, first) if len(rows.cells) > first else None
            self._advance(rows.end)
            if batch is not None:
                yield batch
            if done:
                return
            self._block += self._bytes.take(self._block_bytes)

    def _validate(self, rows: BlockRows, first: int) -> KeyBatch:
        batch = self._syntax.validate(rows, first)
        if len(batch.rejected_rows) == 0:
            return batch
        rejected = batch.rejected_rows + first
        starts = rows.starts_of(rejected)
        cells = batch.rejected_cells
        if not self._syntax.is_table:
            bounds = zip(starts.tolist(), rows.starts_of(rejected + 1).tolist(), strict=True)
            lines = [self._block[start:end].rstrip(b"\r\n") for start, end in bounds]
            cells = pa.array(lines, pa.binary())
        return dataclasses.replace(
            batch, rejected_cells=cells, rejected_starts=self._places_in_file(starts)
        )

    def _places_in_file(self, starts: np.ndarray) -> np.ndarray:
        """The bytes of the file that some places of the block are."""
        widths = self._syntax.source_widths
        if widths is None:
            return starts + self._origin
        before = np.cumsum(widths[np.frombuffer(self._block, np.uint8, int(starts[-1]))])
        places: np.ndarray = np.concatenate([np.zeros(1, np.int64), before])[starts]
        return places + self._source_origin

    def _advance(self, size: int) -> None:
        """Drop the first bytes of the block."""
        widths = self._syntax.source_widths
        if widths is not None:
            dropped = np.frombuffer(self._block, np.uint8, size)
            self._source_origin += int(widths[dropped].sum())
        self._block, self._origin = self._block[size:], self._origin + size

    def _find_first_line(self) -> bool:
        """Move to the first line that starts in the chunk; False if none does."""
        start, end = self._chunk.start, self._chunk.end
        if start >= end:
            return False
        self._block = self._bytes.take(self._block_bytes)
        if start == 0:
            if self._block.startswith(_BOM):
                self._advance(len(_BOM))
            return True
        self._origin = start - 1
        while (line := self._first_line_in_block()) is None:
            if self._bytes.at_end or self._origin + len(self._block) >= end:
                return False
            self._origin += len(self._block) - 1
            self._block = self._block[-1:] + self._bytes.take(self._block_bytes)
        self._block, self._origin = self._block[line:], self._origin + line
        return self._origin < end

    def _first_line_in_block(self) -> int | None:
        line = next_line_start(self._block, 0, len(self._block))
        cut = line == len(self._block) and self._block.endswith(b"\r") and not self._bytes.at_end
        return None if cut else line

    def _check_length(self, rows: BlockRows, limit: int) -> None:
        too_long = rows.longest_bytes > self._row_limit
        unfinished = rows.end < limit and len(self._block) - rows.end > self._row_limit
        if too_long or unfinished:
            at = rows.longest_at if too_long else rows.end
            raise RowTooLong(offset=self._origin + at, limit=self._row_limit)

    def _state_after(self, row_end: int) -> CsvState:
        """The state at the first line start from the chunk's end on, given the last row's end."""
        boundary = max(self._chunk.end - 1 - self._origin, 0)
        line = next_line_start(self._block, boundary, row_end)
        return CsvState.ROW if line is None or line == row_end else CsvState.QUOTED
