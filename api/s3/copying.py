"""Bytes that are stored already, read as a body, for copies."""

from collections import deque
from collections.abc import Sequence

from api.s3.blobs import BlobSlice


class FileBody:
    """A body made of slices of pieces, which the caller has leased."""

    def __init__(self, slices: Sequence[BlobSlice]) -> None:
        self._slices = deque(slices)
        self._offset = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See `Body`."""
        while self._slices:
            part = self._slices[0]
            wanted = min(len(buffer), part.size_bytes - self._offset)
            if wanted:
                with part.path.open("rb", buffering=0) as file:
                    file.seek(part.offset + self._offset)
                    count = file.readinto(buffer[:wanted]) or 0
                if not count:
                    raise OSError(f"{part.path.name} is short")
                self._offset += count
                return count
            self._slices.popleft()
            self._offset = 0
        return 0

    def readline(self, limit: int, /) -> bytes:
        """See `Body`; nothing here has lines."""
        raise NotImplementedError(limit)
