"""The report of an import: figures that must balance, and warnings about doubtful rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from worker.imports.planning.file_table import NO_FILES, FileTable
from worker.imports.stage_results import Built, ChunkResult, DoubtCount, RangeResult
from worker.lists.keys.doubts import DELIMITERS, MOST_SHARE, Doubt
from worker.store.keyspace import INCLUDED, Side
from worker.store.lists import Published

#: Rejected rows of which a report shows row and reason.
SAMPLE_ROWS: Final = 100
#: Rows that a warning names.
NAMED_ROWS: Final = 10


def draft_report(
    chunks: Sequence[ChunkResult],
    ranges: Sequence[RangeResult],
    doubts: Iterable[str] = (),
    files: FileTable = NO_FILES,
    *,
    side: Side = INCLUDED,
    removes: bool = False,
) -> dict[str, Any]:
    """Add up the results of the units, in wire names, before the revision is live.

    ``rowsRead = accepted + duplicates + rejected``, and ``erased`` if there are such rows,
    ``membersBefore + added - removed`` is what was built, and ``accepted`` is
    ``added + unchanged``, or of a remove ``removed + unmatched``.

    Args:
        chunks: Results of all chunks, in order of the rows.
        ranges: Results of all ranges.
        doubts: Labels of doubts about whole files.
        files: The files of the chunks. Where there are several, rows are numbered in each.
        side: The list that is changed; the figures of members are about it alone.
        removes: Whether the accepted keys are removed.
    """
    rows = sum(chunk.rows for chunk in chunks)
    valid = sum(chunk.valid for chunk in chunks)
    erased = sum(chunk.erased for chunk in chunks)
    accepted = sum(part.accepted for part in ranges)
    built = sum((part.built(side) for part in ranges), Built())
    removed = built.base + built.added - built.written
    return {
        "rowsRead": rows,
        "accepted": accepted,
        "duplicates": valid - erased - accepted,
        "rejected": rows - valid,
        **({"erased": erased} if erased else {}),
        "rejectedByReason": dict(sorted(count_rejected(chunks).items())),
        "membersBefore": built.base,
        "added": built.added,
        "removed": removed,
        "unchanged": built.unchanged,
        **({"unmatched": accepted - removed} if removes else {}),
        "rejectedSample": _sample_rejected(chunks, files),
        "warnings": _list_warnings(chunks, doubts, files),
    }


def complete_report(
    draft: Mapping[str, Any],
    published: Published,
    seconds: Mapping[str, float],
    *,
    side: Side = INCLUDED,
) -> dict[str, Any]:
    """Complete a draft with the state of the list at the flip.

    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """
    return {
        **draft,
        "membersAfter": published.count(side),
        "editedWhileImporting": published.edited(side),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def count_rejected(chunks: Iterable[ChunkResult]) -> Counter[str]:
    """How many rows were rejected, by reason."""
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        reasons.update(chunk.rejected)
    return reasons


def find_doubts(chunks: Iterable[ChunkResult], files: int = 1) -> dict[Doubt, DoubtCount]:
    """Add up the chunks' doubts; rows are numbered over all chunks.

    Doubts about a column count only if most rows give rise to them: of a delimiter most of all
    rows, of an index most keys but one of each file, which is the column's name.

    Args:
        chunks: Results of all chunks, in order of the rows.
        files: How many files they are of.
    """
    found: dict[Doubt, DoubtCount] = {}
    rows_before = valid = 0
    for chunk in chunks:
        rows_before += chunk.skipped
        valid += chunk.valid
        for label, (count, rows) in chunk.doubts.items():
            total, named = found.get(Doubt.of(label), (0, ()))
            more = (rows_before + row for row in rows)
            found[Doubt.of(label)] = total + count, (*named, *more)[:NAMED_ROWS]
        rows_before += chunk.rows + chunk.skipped_within
    least = dict.fromkeys(DELIMITERS, MOST_SHARE * rows_before)
    least[Doubt.INDEX_COLUMN] = MOST_SHARE * (valid - files)
    return {doubt: tally for doubt, tally in found.items() if tally[0] >= least.get(doubt, 0)}


def _sample_rejected(chunks: Iterable[ChunkResult], files: FileTable) -> list[dict[str, Any]]:
    sample: list[dict[str, Any]] = []
    rows_before = 0
    for chunk in chunks:
        rows_before += chunk.skipped
        sample += [
            {**_name_row(rows_before + row, files), "reason": reason}
            for row, reason in chunk.sample[: SAMPLE_ROWS - len(sample)]
        ]
        rows_before += chunk.rows + chunk.skipped_within
    return sample


def _name_row(row: int, files: FileTable) -> dict[str, Any]:
    """A row's number; where there are several files, with the one that it is in."""
    if not files.has_several:
        return {"row": row}
    name, number = files.locate(row)
    return {"file": name, "row": number}


def _list_warnings(
    chunks: Sequence[ChunkResult], whole: Iterable[str], files: FileTable
) -> list[dict[str, Any]]:
    found = find_doubts(chunks, max(1, len(files.names))) | {
        Doubt.of(label): (1, ()) for label in whole
    }
    warnings = [
        {
            "kind": doubt.label,
            "count": found[doubt][0],
            **_name_rows(found[doubt][1], files),
            "message": doubt.message,
        }
        for doubt in Doubt
        if doubt in found
    ]
    others = files.others()
    if others:
        mixed = {"kind": Doubt.MIXED_FORMS.label, "count": len(others), "rows": []}
        message = Doubt.MIXED_FORMS.message
        warnings.append({**mixed, "files": others[:NAMED_ROWS], "message": message})
    return warnings


def _name_rows(rows: Iterable[int], files: FileTable) -> dict[str, Any]:
    """Rows of a warning; where there are several files, with the one of each."""
    if not files.has_several:
        return {"rows": list(rows)}
    places = [files.locate(row) for row in rows]
    return {"rows": [row for _, row in places], "files": [name for name, _ in places]}
