"""An object as a seekable file, for readers that jump: Parquet's."""

import io
from collections.abc import Callable

from worker.objects.info import ObjectInfo

#: Bytes fetched for any shorter read. At the end it takes a Parquet footer and its length in one
#: request, elsewhere the many short reads of page headers.
READ_AHEAD_BYTES = 64 * 1024


class ObjectFile(io.RawIOBase):
    """One state of one object as a read-only file.

    A read is never short except at the end of the object, although a raw file's may be: pyarrow
    treats a short read as the end. Each read is one ranged request with ``If-Match``, except those
    inside the last 64 KiB of the object or the 64 KiB last read ahead, which are kept. So it holds
    at most 128 KiB, and wants few large reads (``pre_buffer``, or one column chunk at a time).

    Not safe to share between threads. Reads raise what ``ObjectStore.read_range`` raises.
    """

    def __init__(self, obj: ObjectInfo, fetch: Callable[[int, int], bytes]) -> None:
        """Read from ``fetch(start, end)``, which gives exactly those bytes or raises."""
        super().__init__()
        self.obj = obj
        self._fetch = fetch
        self._position = 0
        self._tail = b""
        self._ahead_at, self._ahead = 0, b""

    def size(self) -> int:
        """The object's size in bytes; sends no request."""
        return self.obj.size_bytes

    def readable(self) -> bool:
        """Always: it cannot be written."""
        return True

    def seekable(self) -> bool:
        """Seeking costs nothing; the next read does."""
        return True

    def tell(self) -> int:
        """The offset of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset in bytes; past the end, reads are empty.

        Raises:
            ValueError: the offset is before the start, or ``whence`` is none of the three.
        """
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size()}
        target = origins[whence] + offset if whence in origins else -1
        if target < 0:
            raise ValueError(f"cannot seek to {offset} from {whence} in {self.size()} bytes")
        self._position = target
        return target

    def read(self, size: int | None = -1, /) -> bytes:
        """Read ``size`` bytes, or to the end: fewer only at the end."""
        if self.closed:
            raise ValueError(f"read of a closed file, s3://{self.obj.bucket}/{self.obj.key}")
        start = min(self._position, self.size())
        end = self.size() if size is None or size < 0 else min(start + size, self.size())
        data = self._between(start, end)
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        """Read all that is left."""
        return self.read()

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        """Fill the buffer: short only at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _between(self, start: int, end: int) -> bytes:
        tail_at = max(0, self.size() - READ_AHEAD_BYTES)
        if start >= end:
            return b""
        if start >= tail_at:
            self._tail = self._tail or self._fetch(tail_at, self.size())
            return self._tail[start - tail_at : end - tail_at]
        if end - start >= READ_AHEAD_BYTES:
            return self._fetch(start, end)
        if not self._ahead_at <= start <= end <= self._ahead_at + len(self._ahead):
            self._ahead = self._fetch(start, min(start + READ_AHEAD_BYTES, self.size()))
            self._ahead_at = start
        offset = start - self._ahead_at
        return self._ahead[offset : offset + end - start]
