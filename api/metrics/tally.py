"""Numbers in shared memory: each process writes rows of its own, and every one reads all.

A row is a name and some cells. It belongs to one process, so that counting takes no lock, and it
outlives the process: whoever takes its place goes on counting there, and no counter ever goes
backwards. A cell is eight aligned bytes, which a reader sees either before or after a change.
"""

import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: Cells of a row, enough for a histogram.
CELLS: Final = 16
_CELL_BYTES: Final = 8
_ROW_BYTES: Final = 512
_NAME_AT: Final = 2
_CELLS_AT: Final = _ROW_BYTES - CELLS * _CELL_BYTES
_MOST_NAME_BYTES: Final = _CELLS_AT - _NAME_AT
#: Rows of one process: several times all routes with all their statuses. Memory is only taken by
#: those in use.
MOST_ROWS: Final = 4_096
_SIZE_BYTES: Final = MOST_ROWS * _ROW_BYTES

Name = tuple[str, ...]


class TallyFull(Exception):
    """There is no row for another name."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where a process counts: the same cells as integers and as floats, from ``at`` on."""

    integers: memoryview
    floats: "memoryview[float]"
    at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A row as it was read."""

    name: Name
    integers: tuple[int, ...]
    floats: tuple[float, ...]


class Tally:
    """The rows of one process, and those of the others to read."""

    def __init__(self, memory: mmap.mmap, place: int) -> None:
        """Go on with the rows that are there.

        Args:
            memory: shared by all processes.
            place: which of its parts this process writes; no other running one does.
        """
        whole = memoryview(memory)
        self._whole = whole
        self._own = whole[place * _SIZE_BYTES : (place + 1) * _SIZE_BYTES]
        self._integers = self._own.cast("Q")
        self._floats = self._own.cast("d")
        self._places = {name: number for number, name in enumerate(_names(self._own))}

    @classmethod
    def alone(cls) -> "Tally":
        """Make one for a process that shares its numbers with no other."""
        return cls(mmap.mmap(-1, _SIZE_BYTES), 0)

    @classmethod
    def shared(cls, file: int, place: int) -> "Tally":
        """Open a file that :func:`make_file` made.

        Args:
            file: its descriptor.
            place: this process's part of it.
        """
        return cls(mmap.mmap(file, os.fstat(file).st_size), place)

    def row(self, *name: str) -> Row:
        """Give the row of this name, a new one if there is none.

        Cost: some microseconds; keep it.

        Raises:
            TallyFull: all rows are taken, or the name is too long for one.
        """
        number = self._places.get(name)
        if number is None:
            number = self._add(name)
        return Row(self._integers, self._floats, (number * _ROW_BYTES + _CELLS_AT) // _CELL_BYTES)

    def read_all(self) -> Iterator[Reading]:
        """Read the rows of every process."""
        for start in range(0, len(self._whole), _SIZE_BYTES):
            part = self._whole[start : start + _SIZE_BYTES]
            for number, name in enumerate(_names(part)):
                at = number * _ROW_BYTES + _CELLS_AT
                cells = part[at : at + CELLS * _CELL_BYTES]
                yield Reading(name, tuple(cells.cast("Q")), tuple(cells.cast("d")))

    def _add(self, name: Name) -> int:
        text = json.dumps(name).encode()
        number = len(self._places)
        if len(text) > _MOST_NAME_BYTES or number >= MOST_ROWS:
            raise TallyFull
        at = number * _ROW_BYTES
        self._own[at + _NAME_AT : at + _NAME_AT + len(text)] = text
        # Last: a row without a length is not there for the others.
        self._own[at : at + _NAME_AT] = len(text).to_bytes(_NAME_AT, "little")
        self._places[name] = number
        return number


def make_file(file: int, places: int) -> None:
    """Give an empty file the size for so many processes."""
    os.ftruncate(file, places * _SIZE_BYTES)


def _names(part: memoryview) -> Iterator[Name]:
    for at in range(0, _SIZE_BYTES, _ROW_BYTES):
        length = int.from_bytes(part[at : at + _NAME_AT], "little")
        if not length:
            return
        yield tuple(json.loads(bytes(part[at + _NAME_AT : at + _NAME_AT + length])))
