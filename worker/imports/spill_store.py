"""The spills of one import: in the bucket, or in a directory that all workers share.

Beside the spill of a chunk's members there may be one of its rejected rows.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from worker.imports.errors import ImportStopped, SpillUnwritable
from worker.lists.byte_streams import Sink
from worker.objects import ObjectInfo, ObjectNotFound, ObjectStore, spill_key, spill_prefix
from worker.store.jobs import ImportRequest
from worker.store.records import stored

_READ_BYTES: Final = 1 << 20

SpillKind = Literal["members", "rejected"]


@stored
@dataclass(frozen=True, slots=True)
class SpillFile:
    """Where one spill is; the attempt is part of the name, so two tries never share a file."""

    key: str
    size_bytes: int
    etag: str


class SpillStore:
    """Writes and reads the spills of one import."""

    def __init__(
        self, objects: ObjectStore, directory: Path | None, request: ImportRequest
    ) -> None:
        self._objects = objects
        self._scope = (
            request.list_ref.project,
            request.list_ref.environment,
            request.list_ref.segment,
        )
        self._import_id = request.import_id
        self._directory = directory and directory / request.import_id

    @contextmanager
    def write(
        self, chunk: int, attempt: str, files: list[SpillFile], *, kind: SpillKind = "members"
    ) -> Iterator[Sink]:
        """Open a spill for writing; it is appended to ``files`` when it is whole.

        Nothing of it remains if the block fails.

        Raises:
            SpillUnwritable: the directory did not take it. Safe to retry.
        """
        attempt = attempt if kind == "members" else f"{attempt}-{kind}"
        key = spill_key(self._scope, self._import_id, chunk=chunk, attempt=attempt)
        if self._directory is None:
            with self._objects.open_writer(key, size_hint=None) as writer:
                yield writer
                info = writer.close()
            files.append(SpillFile(key, info.size_bytes, info.etag))
            return
        path = self._directory / f"{chunk:06d}-{attempt}"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                yield file
            files.append(SpillFile(path.name, path.stat().st_size, ""))
        except BaseException as exc:
            path.unlink(missing_ok=True)
            if isinstance(exc, OSError):
                message = f"spill {path.name} could not be written ({exc.strerror}); make room"
                raise SpillUnwritable(message) from exc
            raise

    def read(self, spill: SpillFile, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes ``[start, end)`` of a spill.

        Raises:
            ImportStopped: the spill is gone.
        """
        try:
            if self._directory is None:
                info = ObjectInfo(self._objects.bucket, spill.key, spill.size_bytes, spill.etag)
                yield from self._objects.read_range(info, start, end)
                return
            with (self._directory / spill.key).open("rb") as file:
                file.seek(start)
                left = end - start
                while left > 0 and (piece := file.read(min(_READ_BYTES, left))):
                    left -= len(piece)
                    yield piece
        except (FileNotFoundError, ObjectNotFound) as exc:
            message = f"spill {spill.key} is gone; import the list again"
            raise ImportStopped(message) from exc

    def remove(self, spill: SpillFile) -> None:
        """Delete one spill that no record refers to; idempotent."""
        if self._directory is not None:
            (self._directory / spill.key).unlink(missing_ok=True)
            return
        self._objects.delete(spill.key)

    def discard(self) -> None:
        """Delete every spill of the import; idempotent."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            return
        prefix = spill_prefix(self._scope, self._import_id)
        self._objects.abort_uploads(prefix)
        self._objects.delete_prefix(prefix)
