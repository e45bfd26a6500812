"""Context keys in a file of any size: one a line, or the first column of CSV; also compressed."""

import csv
import gzip
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Final, Self, cast

from api.cli.arguments.context_keys import STANDARD_INPUT, BadKey, check_key, name_of
from api.cli.errors import CommandError
from worker.context_keys import KEY_LIMIT_BYTES

#: More than the longest key in characters; what is longer is one fault, however long it is.
_MOST_CHARACTERS: Final = 4 * KEY_LIMIT_BYTES
#: Characters of one cell of CSV: an unclosed quote must not take the rest of the file.
_MOST_CELL: Final = 128 * 1024
_GZIP: Final = ".gz"


@dataclass(frozen=True, slots=True)
class KeyFileForm:
    """How the keys are in a file."""

    csv: bool
    """Whether it is CSV, of which the first column counts; else each line is a key as it is."""
    header: bool
    """Whether the first row of CSV names the columns."""

    @classmethod
    def of(cls, path: Path, *, as_csv: bool | None, header: bool) -> Self:
        """What was asked for; else CSV if the file's name says so, as an import reads it."""
        named = path.name.lower().removesuffix(_GZIP).endswith(".csv")
        return cls(header or (named if as_csv is None else as_csv), header)


class KeyFile:
    """An open file of keys."""

    def __init__(self, file: IO[bytes], raw: IO[bytes], path: Path, form: KeyFileForm) -> None:
        self._raw = raw
        self._named = name_of(path)
        self._form = form
        self._text = TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        is_file = str(path) != STANDARD_INPUT and path.is_file()
        self.size_bytes = path.stat().st_size if is_file else 0
        """Of the file as it is; 0 if that is unknown."""

    @property
    def read_bytes(self) -> int:
        """How much of it was read."""
        return self._raw.tell() if self.size_bytes else 0

    def keys(self) -> Iterator[str | BadKey]:
        """Read the keys in their order; blank lines are left out. Memory: a row.

        Raises:
            CommandError: the file cannot be read, or is no such file.
        """
        try:
            yield from self._read_csv() if self._form.csv else self._read_lines()
        except (OSError, EOFError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise CommandError(f"cannot read {self._named}: {reason}") from exc

    def detach(self) -> None:
        """Leave the file to whoever has opened it."""
        self._text.detach()

    def _read_lines(self) -> Iterator[str | BadKey]:
        number = 0
        while line := self._text.readline(_MOST_CHARACTERS):
            number += 1
            if not line.endswith("\n") and len(line) == _MOST_CHARACTERS:
                while line and not line.endswith("\n"):
                    line = self._text.readline(_MOST_CHARACTERS)
                line = "x" * _MOST_CHARACTERS
            if key := line.rstrip("\r\n"):
                yield check_key(key, f"{self._named}:{number}")

    def _read_csv(self) -> Iterator[str | BadKey]:
        csv.field_size_limit(_MOST_CELL)
        rows = csv.reader(self._text)  # as an import reads it
        try:
            if self._form.header:
                next(rows, None)
            for row in rows:
                if any(row):
                    yield check_key(row[0], f"{self._named}:{rows.line_num}")
        except csv.Error as exc:
            message = f"{self._named}:{rows.line_num} is not CSV: {exc}; use --lines if it is none"
            raise CommandError(message) from exc


@contextmanager
def open_keys(path: Path, form: KeyFileForm) -> Iterator[KeyFile]:
    """Open a file of keys, or standard input for ``-``.

    Raises:
        CommandError: it cannot be opened.
    """
    with _open(path) as raw, ExitStack() as stack:
        file = raw
        if path.name.lower().endswith(_GZIP):
            unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
            file = cast("IO[bytes]", unpacked)
        keys = KeyFile(file, raw, path, form)
        stack.callback(keys.detach)
        yield keys


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise CommandError("cannot read standard input: it is closed")
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as exc:
        raise CommandError(f"cannot read {path}: {exc.strerror or exc}") from exc
    with file:
        yield file
