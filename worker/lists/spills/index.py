"""Where each hash range of a spill is: the record that a chunk leaves for gathering."""

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from worker.lists.errors import BrokenSpill


@dataclass(frozen=True, slots=True)
class SpillIndex:
    """Byte offsets and row counts of the blocks in one spill."""

    range_count: int
    """Hash ranges, a power of two."""
    offsets: tuple[tuple[int, ...], ...]
    """For each run, ``range_count + 1`` byte offsets; two equal ones are an empty range."""
    rows: tuple[tuple[int, ...], ...]
    """For each run, the rows of each range."""

    def __post_init__(self) -> None:
        """Refuse an index that contradicts itself."""
        consistent = len(self.offsets) == len(self.rows) and all(
            len(offsets) == self.range_count + 1
            and len(rows) == self.range_count
            and all(start <= end for start, end in pairwise(offsets))
            for offsets, rows in zip(self.offsets, self.rows, strict=False)
        )
        if not consistent:
            raise BrokenSpill("its index contradicts itself")

    def blocks_of(self, range_first: int, range_last: int) -> list[tuple[int, int]]:
        """Byte ranges that hold the ranges first to last, both included: one a run at most.

        What is at them, end to end, is what ``read_blocks`` takes.
        """
        spans = ((run[range_first], run[range_last + 1]) for run in self.offsets)
        return [(start, end) for start, end in spans if start < end]

    def rows_of(self, range_first: int, range_last: int) -> int:
        """Rows in the ranges first to last, both included, of all runs."""
        return sum(sum(run[range_first : range_last + 1]) for run in self.rows)

    def to_json(self) -> str:
        """Spell the index as one line of JSON."""
        fields = {"range_count": self.range_count, "offsets": self.offsets, "rows": self.rows}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            BrokenSpill: It is something else.
        """
        try:
            fields = json.loads(text)
            return cls(
                range_count=int(fields["range_count"]),
                offsets=tuple(tuple(map(int, run)) for run in fields["offsets"]),
                rows=tuple(tuple(map(int, run)) for run in fields["rows"]),
            )
        except (ValueError, TypeError, KeyError) as exc:
            raise BrokenSpill("its index is not what a spill writer writes") from exc
