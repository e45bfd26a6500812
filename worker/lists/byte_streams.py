"""What the bytes of lists are read from and written to."""

from collections.abc import Callable, Iterator
from typing import IO, Final, Protocol, TypeAlias

import pyarrow as pa

from worker.lists.errors import ReadCutShort

#: Random access: read, seek and tell; closing it stays with the caller.
RandomAccess: TypeAlias = pa.NativeFile | IO[bytes]
#: ``read(start, end)`` yields the bytes of ``[start, end)`` in pieces of any length.
ReadRange: TypeAlias = Callable[[int, int], Iterator[bytes]]


#: Bytes of one read of a file that is given in ranges.
_FILE_READ_BYTES: Final = 1024 * 1024


def ranges_of(file: RandomAccess) -> ReadRange:
    """Give ranges of a file with random access, one at a time; short where the file is."""

    def read(start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, _FILE_READ_BYTES):
            file.seek(at)
            yield file.read(min(_FILE_READ_BYTES, end - at))

    return read


class Sink(Protocol):
    """Takes bytes in order; its owner opens and closes it, and discards what was cut short."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""
        ...


class ForwardReader:
    """One pass forward through a file from ``start`` on, in as few ranged reads as possible.

    The first range runs to ``planned_end``; a further one of ``further_bytes`` is opened
    only when more is asked for, because opening a range may cost a read of the whole
    object. Nothing is opened before the first ``take``. Holds what one ``take`` returns.
    """

    def __init__(
        self, read: ReadRange, *, start: int, planned_end: int, further_bytes: int, size: int
    ) -> None:
        self._read = read
        self._size = size
        self._further_bytes = further_bytes
        self._planned_end = planned_end
        self._range_start = self._range_end = self._position = start
        self._pieces: Iterator[bytes] = iter(())

    @property
    def at_end(self) -> bool:
        """Whether the last byte of the file has been taken."""
        return self._position >= self._size

    def take(self, at_least: int) -> bytes:
        """Return the next bytes: ``at_least`` of them, or what is left of a range.

        Never empty before the end of the file; over ``at_least`` by less than a piece.

        Raises:
            ReadCutShort: A range ended early, or ran over. Safe to retry.
        """
        if self._position == self._range_end and not self.at_end:
            self.close()
            self._range_start = self._range_end
            planned = self._position < self._planned_end
            end = self._planned_end if planned else self._position + self._further_bytes
            self._range_end = min(end, self._size)
            self._pieces = self._read(self._range_start, self._range_end)
        taken: list[bytes] = []
        wanted = self._position + at_least
        while self._position < min(wanted, self._range_end):
            piece = next(self._pieces, None)
            if piece is None or self._position + len(piece) > self._range_end:
                raise self._cut_short(len(piece or b""))
            taken.append(piece)
            self._position += len(piece)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def close(self) -> None:
        """Drop the open range; safe to call twice."""
        close = getattr(self._pieces, "close", None)  # generators have it, others need not
        if close is not None:
            close()

    def _cut_short(self, surplus: int) -> ReadCutShort:
        received = self._position + surplus - self._range_start
        return ReadCutShort(start=self._range_start, end=self._range_end, received=received)


class StreamReader:
    """One pass through bytes that come as a stream of unknown length, such as decompressed ones.

    Holds what one ``take`` returns and the piece after it.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take nothing yet."""
        self._pieces = pieces
        self._next: bytes | None = b""

    @property
    def at_end(self) -> bool:
        """Whether the last byte has been taken. Known only after the first ``take``."""
        return self._next is None

    def take(self, at_least: int) -> bytes:
        """Return the next bytes: ``at_least`` of them, or what is left.

        Over ``at_least`` by less than a piece. Raises what the stream raises.
        """
        taken: list[bytes] = []
        size = 0
        while self._next is not None and size < at_least:
            taken.append(self._next)
            size += len(self._next)
            # Empty pieces say nothing, least of all that it has ended.
            self._next = next((piece for piece in self._pieces if piece), None)
        return b"".join(taken)

    def close(self) -> None:
        """Close the stream; safe to call twice."""
        close = getattr(self._pieces, "close", None)  # generators have it, others need not
        if close is not None:
            close()
