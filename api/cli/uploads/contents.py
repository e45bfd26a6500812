"""What is cut into parts: a file that must not change, or a pipe that can be read once."""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from api.cli.errors import CommandError
from api.cli.uploads.sending import Part


class Content(Protocol):
    """The bytes of one list."""

    @property
    def name(self) -> str:
        """What the import calls it."""

    @property
    def size_bytes(self) -> int | None:
        """Its size; ``None`` if that is not known before the end."""

    @property
    def fingerprint(self) -> str:
        """Names this very content; empty if it cannot be read again."""

    def parts(self, part_bytes: int, numbers: Iterable[int]) -> Iterator[Part]:
        """Cut it; a pipe is cut from its start to its end, whatever the numbers."""

    def require_unchanged(self) -> None:
        """Make sure that all parts were of the same file.

        Raises:
            CommandError: it has changed since it was opened.
        """


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file, whose parts are read where they lie."""

    name: str
    path: str
    number: int
    """Of the open file."""
    status: os.stat_result

    @property
    def size_bytes(self) -> int:
        """Its size when it was opened."""
        return self.status.st_size

    @property
    def fingerprint(self) -> str:
        """The same as long as nothing has written to the file, under this name, on this machine."""
        seen = self.status
        facts = (
            platform.node(),
            str(Path(self.path).resolve()),
            *(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns),
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def parts(self, part_bytes: int, numbers: Iterable[int]) -> Iterator[Part]:
        """See ``Content``."""
        for number in numbers:
            yield Part(number, partial(self._read, (number - 1) * part_bytes, part_bytes))

    def require_unchanged(self) -> None:
        """See ``Content``."""
        now, seen = os.fstat(self.number), self.status
        if (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns):
            raise self._changed()

    def _read(self, offset: int, size: int) -> bytes:
        expected = min(size, self.size_bytes - offset)
        pieces = []
        while expected:
            piece = os.pread(self.number, expected, offset)
            if not piece:
                raise self._changed()
            pieces.append(piece)
            offset, expected = offset + len(piece), expected - len(piece)
        return b"".join(pieces)

    def _changed(self) -> CommandError:
        return CommandError(
            f"{self.path} changed while it was uploaded; "
            "nothing was imported: import it again once it is complete"
        )


@dataclass(frozen=True, slots=True)
class PipeContent:
    """What comes out of a pipe."""

    name: str
    read: Callable[[int], bytes]
    """Gives up to so many bytes, and none only at the end."""
    size_bytes: None = None
    fingerprint: str = ""

    def parts(self, part_bytes: int, numbers: Iterable[int]) -> Iterator[Part]:
        """See ``Content``. An empty pipe has one part without a byte."""
        del numbers
        number, content = 1, self._read_whole(part_bytes)
        while True:
            yield Part(number, partial(bytes, content))
            if len(content) < part_bytes:
                return
            number, content = number + 1, self._read_whole(part_bytes)
            if not content:
                return

    def require_unchanged(self) -> None:
        """Nothing can have changed what was read once."""

    def _read_whole(self, size: int) -> bytes:
        pieces, left = [], size
        while left and (piece := self.read(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
