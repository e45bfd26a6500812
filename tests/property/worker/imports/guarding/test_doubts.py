"""Warnings about a messy file count and name what a plain loop over Python's csv module finds."""

import csv
import gzip
import io
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lists.files import source
from worker.imports.reading.chunk_tally import ChunkTally
from worker.imports.report import NAMED_ROWS, find_doubts
from worker.imports.stage_results import ChunkResult
from worker.lists.csv.chunks import CsvChunk, CsvState
from worker.lists.keys.doubts import DELIMITERS, Doubt
from worker.lists.text.compression import decompress, detect_compression
from worker.lists.text.detection import detect_text
from worker.lists.text.reading import open_text
from worker.options.lists import ListOptions

#: Cells, and the doubts that each gives rise to.
CELLS = {
    "k-1": (),
    "é": (),
    "": (),
    "NULL": (Doubt.NULL_TEXT,),
    "[object Object]": (Doubt.NULL_TEXT,),
    "1.5": (Doubt.FLOAT,),
    "1.2E+15": (Doubt.FLOAT,),
    " k": (Doubt.SPACE,),
    "k\u00a0": (Doubt.SPACE,),
    "\u200bk": (Doubt.SPACE,),
    "a;b": (Doubt.SEMICOLON,),
    "a|b;c": (Doubt.PIPE, Doubt.SEMICOLON),
    "x\ny": (Doubt.LINES,),
    "x\r\n;": (Doubt.LINES, Doubt.SEMICOLON),
    "..": (Doubt.UNREACHABLE,),
}
_rows = st.lists(st.sampled_from(tuple(CELLS)), max_size=30)
#: Files in which most rows hold the delimiter, too.
_delimited = st.lists(
    st.sampled_from(("a;b", "a|b;c", "a;b", "x\r\n;", "a;b", "a;b", "k-1")), max_size=80
)


def naive(rows: list[str]) -> dict[Doubt, tuple[int, tuple[int, ...]]]:
    found: dict[Doubt, list[int]] = {}
    for number, cell in enumerate(rows, 1):
        for doubt in CELLS[cell]:
            found.setdefault(doubt, []).append(number)
    for doubt in DELIMITERS:
        numbers, first = found.pop(doubt, []), [cell for cell in rows[:50] if cell]
        most_of_first = sum(doubt in CELLS[cell] for cell in first) >= 0.9 * len(first)
        if numbers and most_of_first and len(numbers) >= 0.9 * len(rows):
            found[doubt] = numbers
    return {doubt: (len(numbers), tuple(numbers[:NAMED_ROWS])) for doubt, numbers in found.items()}


def read(content: bytes, cuts: list[int]) -> list[ChunkResult]:
    packed = detect_compression(content)
    head = b"".join(decompress(iter((content,)), packed))
    form = detect_text(head, ListOptions(format="csv"), packed, whole=True).form
    bounds = [0, *sorted(cuts), len(content)] if form.is_splittable else [0, len(content)]
    results: list[ChunkResult] = []
    state = CsvState.ROW
    for start, end in pairwise(bounds):
        state = CsvState.ROW if start == 0 else state
        tally = ChunkTally(state.value)
        chunk = CsvChunk(start, end, len(content))
        reader = open_text(form, ListOptions(), chunk, state, source(content, piece_bytes=5))
        for batch in reader.batches():
            tally.count(batch)
        results.append(tally.result(None, None))
        state = reader.end_state
    return results


@given(
    cells=st.one_of(_rows, _delimited),
    end=st.sampled_from(("\n", "\r\n")),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    packed=st.booleans(),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_warnings__messy_file_cut_anywhere__count_and_rows_of_a_plain_loop(
    cells: list[str], end: str, quoting: int, data: st.DataObject, *, packed: bool
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end, quoting=quoting).writerows([cell, "x"] for cell in cells)  # type: ignore[arg-type]
    text = file.getvalue().removesuffix(end) if data.draw(st.booleans()) else file.getvalue()
    content = gzip.compress(text.encode()) if packed else text.encode()
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=4))

    results = read(content, cuts)

    rows = [row[0] for row in csv.reader(io.StringIO(text, newline=""))]
    assert rows == cells
    assert sum(result.rows for result in results) == len(rows)
    found = find_doubts(results)
    assert {doubt: found[doubt] for doubt in found if doubt is not Doubt.OPEN_QUOTE} == naive(rows)
