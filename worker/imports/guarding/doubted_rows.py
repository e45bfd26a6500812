"""How many rows of a list are doubtful enough to ask before it replaces another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.imports.report import count_rejected, find_doubts
from worker.imports.stage_results import ChunkResult
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.validation import RejectReason

#: These are in the report and ask for nothing. What was wrong was put right; or lists as they
#: should be have it too: a number beside a name, a key that only a path cannot carry. An open quote
#: is a guard of its own.
_HARMLESS: Final = frozenset(
    {
        *(Doubt.BYTE_ORDER_MARK, Doubt.TEXT_GUARD),
        *(Doubt.OTHER_TEXT_COLUMN, Doubt.UNREACHABLE),
        Doubt.OPEN_QUOTE,
    }
)
#: These are told by the first rows, and are about all.
_OF_ALL_ROWS: Final = frozenset({Doubt.INDEX_COLUMN})


@dataclass(frozen=True, slots=True)
class DoubtedRows:
    """Rows with doubts that count; one with two doubts counts twice, but no more than all."""

    filled: int
    """Rows that are not blank."""
    by_kind: dict[Doubt, int]

    @property
    def doubted(self) -> int:
        """How many rows are doubtful."""
        return min(self.filled, sum(self.by_kind.values()))


def doubted_rows(chunks: Sequence[ChunkResult], whole: Sequence[str] = ()) -> DoubtedRows:
    """Count the rows that should make a caller look.

    Args:
        chunks: Results of all chunks, in order of the rows.
        whole: Labels of doubts about whole files.
    """
    rejected = count_rejected(chunks)
    del rejected[RejectReason.BLANK.label]
    filled = sum(chunk.valid for chunk in chunks) + sum(rejected.values())
    found = {doubt: count for doubt, (count, _) in find_doubts(chunks).items()}
    found |= dict.fromkeys(map(Doubt.of, whole), filled)
    counted = {
        doubt: filled if doubt in _OF_ALL_ROWS else count
        for doubt, count in found.items()
        if doubt not in _HARMLESS
    }
    return DoubtedRows(filled, counted)


def describe_doubted(rows: DoubtedRows) -> str:
    """Say how many rows are doubtful, and why."""
    kinds = ", ".join(f"{doubt.label} {count:,}" for doubt, count in rows.by_kind.items())
    return f"{rows.doubted:,} of {rows.filled:,} rows are doubtful ({kinds})"
