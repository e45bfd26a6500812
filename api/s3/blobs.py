"""The bytes of objects and parts, each piece in a file of its own with a random name."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from api.s3.bodies import Body

#: Bytes read, hashed and written at a time: they stay in a core's cache meanwhile.
_STEP_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """One piece of an object."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WrittenBlob:
    """A new piece, and the hash of its content."""

    blob: Blob
    digest: str


@dataclass(frozen=True, slots=True)
class BlobSlice:
    """A part of a piece that an answer sends."""

    path: Path
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BlobFolder:
    """The folder of all pieces.

    Args:
        path: the folder.
        random_name: gives names that were never given before.
    """

    path: Path
    random_name: Callable[[], str]
    _leases: Counter[str] = field(default_factory=Counter)
    _doomed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, body: Body) -> WrittenBlob:
        """Keep a body. A piece that is cut short leaves nothing.

        Costs about 0.5 ms of CPU a MB: it is read, hashed (XXH3-128) and written once.

        Raises:
            BodyCutError: the client went away.
            S3Refusal: the body's chunks cannot be read.
        """
        name = self.random_name()
        path = self.path / name
        buffer = memoryview(bytearray(_STEP_BYTES))
        digest, size = xxhash.xxh3_128(), 0
        try:
            with path.open("xb", buffering=0) as file:
                while count := body.readinto(buffer):
                    piece = buffer[:count]
                    digest.update(piece)
                    size += count
                    while piece:
                        piece = piece[file.write(piece) :]
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return WrittenBlob(Blob(name, size), digest.hexdigest())

    def cut(self, blobs: Iterable[Blob], start: int, end: int) -> tuple[BlobSlice, ...]:
        """Find the slices of pieces that ``[start, end)`` of an object is made of."""
        slices, offset = [], 0
        for blob in blobs:
            first, after = max(start - offset, 0), min(end - offset, blob.size_bytes)
            if first < after:
                slices.append(BlobSlice(self.path / blob.name, first, after - first))
            offset += blob.size_bytes
        return tuple(slices)

    def lease(self, slices: Sequence[BlobSlice]) -> bool:
        """Keep pieces until they are released, whatever is removed meanwhile.

        Returns:
            False, and nothing is leased, if one of them was removed already.
        """
        with self._lock:
            self._leases.update(part.path.name for part in slices)
        if all(part.path.exists() for part in slices):
            return True
        self.release(slices)
        return False

    def release(self, slices: Sequence[BlobSlice]) -> None:
        """End a lease."""
        names = [part.path.name for part in slices]
        with self._lock:
            self._leases.subtract(names)
            unused = {name for name in names if self._leases[name] <= 0}
            for name in unused:
                del self._leases[name]
            freed = self._doomed & unused
            self._doomed.difference_update(freed)
            self._unlink(freed)

    def remove(self, blobs: Iterable[Blob]) -> None:
        """Delete pieces; one that is leased goes with its last lease."""
        names = {blob.name for blob in blobs}
        with self._lock:
            leased = {name for name in names if name in self._leases}
            self._doomed.update(leased)
            # With the lock: a lease must not find a piece that is about to go.
            self._unlink(names - leased)

    def holds(self, blobs: Iterable[Blob]) -> bool:
        """Whether all these pieces are there in full length."""
        for blob in blobs:
            try:
                if (self.path / blob.name).stat().st_size != blob.size_bytes:
                    return False
            except FileNotFoundError:
                return False
        return True

    def sweep(self, kept: frozenset[str]) -> int:
        """Delete all pieces but those kept: a kill may leave some that nothing names.

        Returns:
            How many were deleted.
        """
        with os.scandir(self.path) as entries:
            stray = [entry.name for entry in entries if entry.name not in kept]
        self._unlink(stray)
        return len(stray)

    def _unlink(self, names: Iterable[str]) -> None:
        for name in names:
            (self.path / name).unlink(missing_ok=True)
