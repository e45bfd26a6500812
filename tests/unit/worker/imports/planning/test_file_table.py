"""Figures of files add up, and a row is found in the file that it is in."""

from tests.support.lists.chunk_results import chunk_result
from worker.imports.planning.file_table import NO_FILES, FileTable, add_up
from worker.imports.stage_results import Chunk, Plan, Source
from worker.lists.format import ListFormat
from worker.lists.text.form import TextForm
from worker.store.jobs import FileFigures

GZIP = Source("b", "c", 9, '"e"', ListFormat.CSV, TextForm(compression="gzip", header=True))


def test_rows__through_all_files__are_numbered_in_each_with_its_header() -> None:
    figures = (FileFigures(2, 2, skipped=1), FileFigures(0, 0), FileFigures(3, 1, "csv"))
    files = FileTable(("a", "empty", "c"), figures)

    assert [files.locate(row) for row in range(1, 7)] == [
        *[("a", row) for row in (1, 2, 3)],
        *[("c", row) for row in (1, 2, 3)],
    ]
    assert files.describe(5) == "row 2 of c"
    assert files.others() == ["c"]
    assert FileTable(("a",), figures[:1]).describe(3) == NO_FILES.describe(3) == "row 3"


def test_figures__of_pieces_and_of_whole_files__are_those_of_each_file() -> None:
    chunks = (
        Chunk(-1, 0, 5, file=0, files=2),
        *(Chunk(0, at, at + 3, file=2) for at in (0, 3, 6)),
        Chunk(-1, 0, 1, file=3, files=1),
    )
    results = [chunk_result()] + [chunk_result(rows=4, valid=3, skipped=n == 0) for n in range(3)]
    small = FileFigures(1, 1, "csv")

    found = add_up(
        Plan((GZIP,), chunks, 0, 15, files=4),
        [*results, chunk_result()],
        {0: [small] * 2, 4: [small]},
    )

    assert found == [small, small, FileFigures(12, 9, "csv, gzip, utf-8, comma", 1), small]
