"""The files of an export: one, or parts of a set number of rows, each an object of its own."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from worker.byte_columns import Column
from worker.exports.errors import TooManyParts
from worker.exports.list_file import ListFile
from worker.jobs.export_place import ExportPlace
from worker.objects import ObjectInfo, ObjectStore
from worker.options.exports import ExportFormat
from worker.store.jobs import ExportRequest
from worker.store.keyspace import Side

CONTENT_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_COMPRESSED: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that is whole."""

    info: ObjectInfo
    rows: int
    sha256: str


class PartWriter:
    """Writes keys into as many objects as the options say, at least one; a context manager.

    An object appears whole or not at all, and only once ``confirm`` has passed. If the block
    raises, the file that was being written does not appear. Memory: that of one ``ListFile``
    and one ``ObjectWriter``.
    """

    def __init__(
        self,
        objects: ObjectStore,
        place: ExportPlace,
        request: ExportRequest,
        token: str,
        *,
        most_files: int,
        confirm: Callable[[], None],
    ) -> None:
        """Write nothing yet.

        Args:
            objects: Where the files are written.
            place: Where exactly.
            request: The export.
            token: The try, which names its own objects.
            most_files: How many files there may be.
            confirm: Called before a file appears; raises if it must not.
        """
        self._objects, self._place, self._request = objects, place, request
        self._token, self._most_files, self._confirm = token, most_files, confirm
        self._options = request.options
        self._stack = ExitStack()
        self._file: ListFile | None = None
        self.files: list[WrittenFile] = []
        """The files that are whole."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            if self._file is None and not self.files:
                self._open()
            self._finish()
        else:
            self._stack.__exit__(kind, error, trace)

    def write(self, keys: Column, side: Side) -> None:
        """Add keys of one list.

        Raises:
            TooManyParts: there would be more files than there may be.
            ObjectError: a file could not be written.
        """
        while len(keys):
            file = self._file or self._open()
            room = len(keys)
            if self._options.part_rows is not None:
                room = self._options.part_rows - file.rows
            file.write(keys[:room], side)
            keys = keys[room:]
            if file.rows == self._options.part_rows:
                self._finish()

    def _open(self) -> ListFile:
        number = len(self.files) + 1
        if number > self._most_files:
            raise TooManyParts(
                f"the list has more than {self._most_files:,} parts of "
                f"{self._options.part_rows:,} rows; export with larger ones"
            )
        part = "" if self._options.part_rows is None else f"-{number:05d}"
        self._writer = self._stack.enter_context(
            self._objects.open_writer(
                self._place.key(self._request, self._token, f"{part}.{self._options.ending}"),
                bucket=self._place.bucket,
                content_type=CONTENT_TYPES[self._options.format]
                if self._options.compression == "none"
                else _COMPRESSED,
            )
        )
        self._file = self._stack.enter_context(ListFile(self._writer, self._options))
        return self._file

    def _finish(self) -> None:
        file = self._file
        if file is None:
            return
        with self._stack:
            self._confirm()
        self._stack, self._file = ExitStack(), None
        self.files.append(WrittenFile(self._writer.close(), file.rows, file.sha256))
