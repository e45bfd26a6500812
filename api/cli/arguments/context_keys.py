"""Context keys that a command is given: as arguments, in a file, or on standard input."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from api.cli.errors import CommandError, UsageError
from worker.context_keys import KEY_LIMIT_BYTES, fault_of

STANDARD_INPUT: Final = "-"
"""What names standard input instead of a file."""
#: More than the longest key in bytes; what is longer is one fault, however long it is.
_MOST_LINE_BYTES: Final = 4 * KEY_LIMIT_BYTES
_SHOWN: Final = 60

GivenKeys = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY…", help="Context keys; `-` reads them from standard input."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="File of context keys, one a line; `-` as above."),
]


@dataclass(frozen=True, slots=True)
class BadKey:
    """A key that the API would not take.

    Attributes:
        key: how it is shown.
        where: its line or argument.
        reason: what is wrong with it.
    """

    key: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} ({self.key}): {self.reason}"


def read_keys(given: Sequence[str] | None, file: Path | None) -> Iterator[str | BadKey]:
    """Read the keys in their order; blank lines of a file are left out.

    Raises:
        UsageError: none are given, or in two ways.
        CommandError: the file cannot be read.
    """
    words = list(given or ())
    if words == [STANDARD_INPUT] and file is None:
        words, file = [], Path(STANDARD_INPUT)
    if bool(words) == (file is not None):
        raise UsageError("give context keys as arguments, or --from FILE, or - for standard input")
    if file is None:
        return (check_key(word, f"argument {number}") for number, word in enumerate(words, 1))
    return _read_file(file)


def _read_file(path: Path) -> Iterator[str | BadKey]:
    named = name_of(path)
    number = 0
    try:
        with _open(path) as lines:
            while line := lines.readline(_MOST_LINE_BYTES):
                number += 1
                if not line.endswith(b"\n") and len(line) == _MOST_LINE_BYTES:
                    while line and not line.endswith(b"\n"):
                        line = lines.readline(_MOST_LINE_BYTES)
                    line = b"x" * _MOST_LINE_BYTES
                if text := line.rstrip(b"\r\n"):
                    yield check_key(text.decode(errors="surrogateescape"), f"{named}:{number}")
    except OSError as exc:
        raise CommandError(f"cannot read {named}: {exc.strerror or exc}") from exc


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if str(path) != STANDARD_INPUT:
        with path.open("rb") as file:
            yield file
    elif sys.stdin is None:
        raise CommandError("cannot read standard input: it is closed")
    else:
        yield sys.stdin.buffer


def name_of(path: Path) -> str:
    """What a file of keys is called in messages."""
    return "standard input" if str(path) == STANDARD_INPUT else str(path)


def check_key(key: str, where: str) -> str | BadKey:
    """The key, or why it cannot be one.

    Args:
        key: with a half of a surrogate pair for each byte that is no UTF-8.
        where: its line or argument.
    """
    if any("\udc80" <= character <= "\udcff" for character in key):
        return BadKey(_shorten(key), where, "a context key must be valid UTF-8")
    fault = fault_of(key)
    return key if fault is None else BadKey(_shorten(key), where, fault)


def _shorten(key: str) -> str:
    shown = ascii(key)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
