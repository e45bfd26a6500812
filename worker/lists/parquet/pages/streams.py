"""The bytes of column chunks, from as few ranges of a file as possible."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from worker.lists.byte_streams import ReadRange
from worker.lists.parquet.pages.errors import UnusualPage

#: Bytes between two chunks that are read over, because another request costs as much.
_GAP_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """The column of the keys in one row group, as the footer describes it."""

    start: int
    """Byte of the file at which its first page begins."""
    size: int
    rows: int
    compression: str
    """As pyarrow names it."""
    optional: bool
    """Whether a value may be null."""

    @property
    def end(self) -> int:
        """The byte after its last page."""
        return self.start + self.size


class ChunkStream:
    """Goes forward through column chunks; holds a piece of the file and what is taken."""

    def __init__(self, chunks: Sequence[ColumnChunk], read: ReadRange) -> None:
        """Open nothing yet.

        Args:
            chunks: All that will be read, in order.
            read: Gives ranges of the file.
        """
        self._read = read
        self._range_ends = _range_ends(chunks)
        self._pieces: Iterator[bytes] = iter(())
        self._left = memoryview(b"")
        self._end = 0
        self.position = 0
        """The byte of the file that is next."""

    def seek(self, chunk: ColumnChunk) -> None:
        """Go to the start of a chunk: on in the open range, or in a new one."""
        if self.position <= chunk.start and chunk.end <= self._end:
            self.take(chunk.start - self.position)
            return
        self.close()
        self.position, self._end = chunk.start, self._range_ends[chunk.start]
        self._pieces, self._left = iter(self._read(self.position, self._end)), memoryview(b"")

    def peek(self, most: int) -> memoryview:
        """The next bytes: so many, or what is left of the range."""
        size = min(most, self._end - self.position)
        if len(self._left) < size:
            self._left = memoryview(b"".join(self._gather(size)))
        return self._left[:size]

    def take(self, size: int) -> memoryview:
        """The next bytes.

        Raises:
            UnusualPage: The range ends before.
        """
        if len(self._left) < size:
            parts = self._gather(size)
            last = parts.pop()
            missing = size - sum(map(len, parts))
            taken, self._left = memoryview(b"".join((*parts, last[:missing]))), last[missing:]
        else:
            taken, self._left = self._left[:size], self._left[size:]
        self.position += size
        return taken

    def close(self) -> None:
        """Drop the open range; safe to call twice."""
        close = getattr(self._pieces, "close", None)  # generators have it, others need not
        if close is not None:
            close()

    def _gather(self, size: int) -> list[memoryview]:
        """What is left, and as many pieces as it takes to have so many bytes."""
        parts, found = [self._left], len(self._left)
        while found < size:
            piece = next(self._pieces, None)
            if piece is None:
                raise UnusualPage
            parts.append(memoryview(piece))
            found += len(piece)
        return parts


def _range_ends(chunks: Sequence[ColumnChunk]) -> dict[int, int]:
    """Where the range that is opened for a chunk ends, by the chunk's start."""
    ends: dict[int, int] = {}
    end, following = 0, None
    for chunk in reversed(chunks):
        if following is None or not 0 <= following - chunk.end <= _GAP_BYTES:
            end = chunk.end
        ends[chunk.start] = end
        following = chunk.start
    return ends
