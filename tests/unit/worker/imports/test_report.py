"""Reports balance."""

from tests.support.lists.chunk_results import chunk_result
from worker.imports.report import complete_report, draft_report
from worker.imports.stage_results import Built, ChunkResult, RangeResult
from worker.store.lists import Published


def _chunk(rows: int, valid: int, sample: list[tuple[int, str]]) -> ChunkResult:
    rejected = {"blank": rows - valid}
    return chunk_result(rows=rows, valid=valid, rejected=rejected, sample=tuple(sample))


def _range(accepted: int, **included: int) -> RangeResult:
    return RangeResult(accepted, Built(**included), Built())


def test_draft__several_chunks__counts_rows_through_the_file() -> None:
    chunks = [_chunk(10, 8, [(3, "blank"), (9, "blank")]), _chunk(5, 4, [(1, "blank")])]
    ranges = [
        _range(7, base=4, written=9, added=5, unchanged=2),
        _range(3, base=1, written=4, added=3, unchanged=0),
    ]

    report = draft_report(chunks, ranges)

    assert report["rowsRead"] == report["accepted"] + report["duplicates"] + report["rejected"]
    assert (report["accepted"], report["duplicates"], report["rejected"]) == (10, 2, 3)
    assert report["membersBefore"] + report["added"] - report["removed"] == 13
    assert report["rejectedByReason"] == {"blank": 3}
    assert [one["row"] for one in report["rejectedSample"]] == [3, 9, 11]


def test_draft__many_rejected_rows__shows_a_hundred() -> None:
    sample = [(row, "blank") for row in range(1, 91)]
    chunks = [_chunk(100, 0, sample), _chunk(100, 0, sample)]

    report = draft_report(chunks, [])

    assert len(report["rejectedSample"]) == 100
    assert report["rejectedSample"][-1]["row"] == 110


def test_final__edits_while_importing__are_told_apart() -> None:
    draft = draft_report(
        [_chunk(2, 2, [])],
        [_range(2, base=0, written=2, added=2, unchanged=0)],
    )

    report = complete_report(draft, Published(5, 0, 3, 0, 9), {"total": 1.23456})

    before, after = report["membersBefore"], report["membersAfter"]
    changed = report["added"] - report["removed"] + report["editedWhileImporting"]
    assert before + changed == after
    assert report["seconds"] == {"total": 1.235}
