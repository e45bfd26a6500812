"""Counting what is doubtful about a list, and the warnings about it in the report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.doubts import DELIMITERS, Doubt

#: Rows that a warning names.
_NAMED_ROWS: Final = 10
#: A delimiter is reported when this share of all rows holds it; single keys may well do so.
_DELIMITED_SHARE: Final = 0.9


class DoubtTally:
    """Doubtful rows of one chunk: how many of each kind, and the first of them."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[int]]] = {}

    def count(self, doubts: DoubtfulRows, rows_before: int) -> None:
        """Add one batch, behind so many rows of the chunk."""
        for doubt, rows in doubts.items():
            count, sample = self._found.get(doubt.label, (0, []))
            more = (rows[: _NAMED_ROWS - len(sample)] + rows_before + 1).tolist()
            self._found[doubt.label] = count + len(rows), sample + more

    def to_json(self) -> dict[str, tuple[int, list[int]]]:
        """The form that the chunk's record holds: kind to count and rows, from 1."""
        return self._found


def doubts_of(chunks: Sequence[Mapping[str, Any]]) -> dict[Doubt, tuple[int, list[int]]]:
    """Add up the chunks' tallies; rows are numbered over all of them.

    Args:
        chunks: Results of all chunks, in order of the rows. Those of a worker of an
            earlier version hold no doubts.
    """
    found: dict[Doubt, tuple[int, list[int]]] = {}
    rows_before = 0
    for chunk in chunks:
        for label, (count, rows) in chunk.get("doubts", {}).items():
            total, sample = found.get(Doubt.of(label), (0, []))
            sample = [*sample, *(rows_before + row for row in rows)][:_NAMED_ROWS]
            found[Doubt.of(label)] = total + count, sample
        rows_before += chunk["rows"]
    least = _DELIMITED_SHARE * rows_before
    return {
        doubt: tally
        for doubt, tally in found.items()
        if doubt not in DELIMITERS or tally[0] >= least
    }


def warnings_of(chunks: Sequence[Mapping[str, Any]], whole: Iterable[str]) -> list[dict[str, Any]]:
    """The report's warnings, in wire names.

    Args:
        chunks: Results of all chunks, in order of the rows.
        whole: Labels of doubts about a whole file.
    """
    found = doubts_of(chunks)
    found |= {Doubt.of(label): (1, []) for label in whole}
    return [
        {
            "kind": doubt.label,
            "count": found[doubt][0],
            "rows": found[doubt][1],
            "message": doubt.message,
        }
        for doubt in Doubt
        if doubt in found
    ]
