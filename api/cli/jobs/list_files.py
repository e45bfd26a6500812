"""What `bigseg import` uploads: a file of known size, or a pipe that is read to its end.

A pipe is read until it ends or is large, so that it is known then how it is uploaded.
"""

import io
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, cast

from api.cli.errors import CommandError
from api.cli.uploads.contents import Content, FileContent, PipeContent
from api.progress.display import ProgressDisplay
from api.progress.line import Progress

_STANDARD_INPUT: Final = "-"
#: The name of a list that does not come from a file.
_PIPE_NAME: Final = "standard-input"
_READ_BYTES: Final = 256 * 1024


class ListFile:
    """A list that is uploaded, and whether it has been read to its end."""

    def __init__(self, source: "_Pipe | _WholeFile", name: str) -> None:
        self.stream = cast("IO[bytes]", source)
        self.name = name
        self._source = source

    @property
    def is_read(self) -> bool:
        """Whether all of it may have been sent."""
        return self._source.is_read

    def is_larger(self, size_bytes: int) -> bool:
        """Whether it has more bytes; as many of a pipe are read, and kept to be sent."""
        return self._source.is_larger(size_bytes)

    @property
    def content(self) -> Content:
        """The same, to be cut into parts."""
        return self._source.content(self.name)


@contextmanager
def open_list(source: str, display: ProgressDisplay) -> Iterator[ListFile]:
    """Open a list for an upload that shows its progress.

    Args:
        source: a path; ``-`` is standard input.
        display: where the progress is shown.

    Raises:
        CommandError: it cannot be opened or read, or changed while the block ran.
    """
    try:
        if source == _STANDARD_INPUT:
            if sys.stdin is None:
                raise CommandError("cannot read standard input: it is closed")
            yield ListFile(_Pipe(sys.stdin.buffer, display), _PIPE_NAME)
            return
        with Path(source).open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                yield ListFile(_WholeFile(file, source, status, display), Path(source).name)
            else:
                yield ListFile(_Pipe(file, display), _PIPE_NAME)
    except OSError as exc:
        raise CommandError(f"cannot read {source}: {exc.strerror or exc}") from exc


class _Pipe:
    """Read once, from start to end; its size is not known, so the upload is sent in chunks."""

    def __init__(self, file: IO[bytes], display: ProgressDisplay) -> None:
        # Both callers pass buffered readers, though the types of their files do not say so.
        self._file = cast("BufferedReader", file)
        self._display = display
        self._ahead = io.BytesIO()
        self._read = 0
        self.is_read = False

    def is_larger(self, size_bytes: int) -> bool:
        """See ``ListFile``."""
        ahead, held = self._ahead, self._ahead.seek(0, io.SEEK_END)
        while held <= size_bytes and (data := self._file.read1(_READ_BYTES)):
            held += ahead.write(data)
            self._display.show(Progress("reading", done_bytes=held))
        ahead.seek(0)
        return held > size_bytes

    def content(self, name: str) -> PipeContent:
        """See ``ListFile``."""
        return PipeContent(name, self._take)

    def _take(self, size: int) -> bytes:
        if data := self._ahead.read(size):
            return data
        self._ahead = io.BytesIO()  # frees what it held
        return self._file.read1(size)

    def read(self, size: int = -1) -> bytes:
        """Read what is there; waits for the first byte only, so that it can be sent on."""
        data = self._take(size)
        self._read += len(data)
        self.is_read = not data
        self._display.show(Progress("uploading", done_bytes=self._read))
        return data


class _WholeFile:
    """A file that must not change: the upload declares its size before it is read."""

    def __init__(
        self, file: IO[bytes], name: str, status: os.stat_result, display: ProgressDisplay
    ) -> None:
        self._file = file
        self._name = name
        self._status = status
        self._display = display
        self._read = 0
        self.is_read = False
        self._started = time.monotonic()

    def is_larger(self, size_bytes: int) -> bool:
        """See ``ListFile``."""
        return self._status.st_size > size_bytes

    def content(self, name: str) -> FileContent:
        """See ``ListFile``."""
        return FileContent(name, self._name, self.fileno(), self._status)

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            CommandError: the file is longer, shorter or newer than it was.
        """
        data = self._file.read(size)
        self._read += len(data)
        size_bytes = self._status.st_size
        self.is_read = self._read >= size_bytes
        if self._read > size_bytes or (not data and self._changed()):
            raise CommandError(
                f"{self._name} changed while it was uploaded; "
                "nothing was imported: import it again once it is complete"
            )
        seconds = time.monotonic() - self._started
        left = seconds * (size_bytes - self._read) / self._read if self._read else None
        progress = Progress(
            "uploading", done_bytes=self._read, total_bytes=size_bytes, remaining_s=left
        )
        self._display.show(progress)
        return data

    def fileno(self) -> int:
        """The file's number: its length is taken from it."""
        return self._file.fileno()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def _changed(self) -> bool:
        now = os.fstat(self.fileno())
        seen = self._status
        return (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns)
