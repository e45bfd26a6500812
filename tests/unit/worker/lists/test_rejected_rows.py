"""Cells of rejected rows stand as they were, or can be told from what is written."""

import csv
import io
from itertools import accumulate

import pyarrow as pa
import pytest

from tests.support.lists.files import source
from worker.lists.csv.chunks import CsvChunk, CsvState
from worker.lists.keys.validation import validate
from worker.lists.rejected_rows import CUT_MARK, RejectedRows
from worker.lists.text.form import TextForm
from worker.lists.text.reading import open_text
from worker.options.lists import ListOptions


def _lines(cells: list[bytes | None]) -> list[list[str]]:
    batch = validate(pa.array(cells, pa.binary()))
    rejected = RejectedRows.of(batch, 0)
    assert rejected is not None
    text = rejected.csv_lines("list.csv", 0).decode()
    return [*csv.reader(io.StringIO(text, newline=""))]


@pytest.mark.parametrize(
    ("cell", "reason", "shown"),
    [
        (b"", "blank", ""),
        (" \u00a0".encode(), "blank", " \u00a0"),
        (b'\x00"a",\\\r\n=1', "control_character", '\x00"a",\\\r\n=1'),
        (b"caf\xe9\\xe9", "invalid_utf8", r"caf\xe9\\xe9"),
        (b"\\" * 1_025, "too_long", "\\\\" * 1_024 + CUT_MARK),
        (b"k" * 1_023 + "\u00e9".encode() * 9, "too_long", "k" * 1_023 + CUT_MARK),
        (b"\x80" * 1_025, "too_long", r"\x80" * 1_024 + CUT_MARK),
    ],
)
def test_cell__that_is_no_key__stands_so_that_its_bytes_can_be_told(
    cell: bytes, reason: str, shown: str
) -> None:
    assert _lines([b"key", cell]) == [["list.csv", "2", "", reason, shown]]


def test_cell__missing__is_empty() -> None:
    assert _lines([None, b"key"]) == [["list.csv", "1", "", "blank", ""]]


def test_json_lines__rejected__stand_whole() -> None:
    lines = (b'{"u":"a"}', b'{"u":null}', b"{", b'{"u":[1]}', b'{"u":"\\u0000"}', b"\xff", b"")
    content = b"\r\n".join(lines) + b"\r\n"
    chunk, form = CsvChunk(0, len(content), len(content)), TextForm(delimiter=None, field="u")
    reader = open_text(form, ListOptions(), chunk, CsvState.ROW, source(content))
    (batch,) = reader.batches()
    rejected = RejectedRows.of(batch, 0)
    assert rejected is not None
    text = rejected.csv_lines("list.jsonl", 0).decode()
    found = [line[1:] for line in csv.reader(io.StringIO(text, newline=""))]

    reasons = ("blank", "invalid_json", "not_text", "control_character", "invalid_utf8", "blank")
    starts = list(accumulate((len(line) + 2 for line in lines), initial=0))
    shown = (line.decode("utf-8", "backslashreplace") for line in lines[1:])
    rows = zip(starts[1:-1], reasons, shown, strict=True)
    assert found == [[str(row), str(start), *rest] for row, (start, *rest) in enumerate(rows, 2)]
