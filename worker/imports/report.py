"""The report of an import: figures that must balance."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from worker.imports.doubts import warnings_of
from worker.imports.scatter import SAMPLE_ROWS
from worker.store.lists import Published


def draft_report(
    chunks: Iterable[Mapping[str, Any]],
    ranges: Sequence[Mapping[str, Any]],
    doubts: Iterable[str] = (),
) -> dict[str, Any]:
    """Add up what the units found, in wire names, before the revision is live.

    ``rowsRead = accepted + duplicates + rejected`` and
    ``membersBefore + added - removed`` is what the build put in place.

    Args:
        chunks: Results of all chunks, in order of the rows.
        ranges: Results of all ranges.
        doubts: Labels of what is doubtful about the files as a whole.
    """
    chunks = list(chunks)
    rows = valid = 0
    reasons: Counter[str] = Counter()
    sample: list[dict[str, Any]] = []
    for chunk in chunks:
        sample += [
            {"row": rows + row, "reason": reason}
            for row, reason in chunk["sample"][: SAMPLE_ROWS - len(sample)]
        ]
        rows += chunk["rows"]
        valid += chunk["valid"]
        reasons.update(chunk["rejected"])
    totals = {
        name: sum(part[name] for part in ranges)
        for name in ("accepted", "base", "written", "added", "unchanged")
    }
    return {
        "rowsRead": rows,
        "accepted": totals["accepted"],
        "duplicates": valid - totals["accepted"],
        "rejected": rows - valid,
        "rejectedByReason": dict(sorted(reasons.items())),
        "membersBefore": totals["base"],
        "added": totals["added"],
        "removed": totals["base"] + totals["added"] - totals["written"],
        "unchanged": totals["unchanged"],
        "rejectedSample": sample,
        "warnings": warnings_of(chunks, doubts),
    }


def final_report(
    draft: Mapping[str, Any], published: Published, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Complete a draft with the list as it was at the flip.

    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """
    return {
        **draft,
        "membersAfter": published.included_count,
        "editedWhileImporting": published.edited_included,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }
