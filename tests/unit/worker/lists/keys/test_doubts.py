"""Doubtful rows, by the plain words of each kind and against the column-wise search."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.lists.keys.doubts import Doubt
from worker.lists.keys.first_rows import find_start_doubts
from worker.lists.keys.invisible import INVISIBLE as UNSEEN
from worker.lists.keys.row_numbers import RowNumbers
from worker.lists.keys.validation import KeyBatch, validate

NULLS = {"NULL", "null", "(null)", "\\N", "None", "NaN", "nan", "N/A", "#N/A", "nil", "<NA>"} | {
    *("[object Object]", "#DIV/0!", "-nan")
}
FLOAT = re.compile(r"[+-]?[0-9]+(\.[0-9]*([eE][+-]?[0-9]+)?|,[0-9]+[eE][+-]?[0-9]+|[eE][+-][0-9]+)")
_HOWTO = Path(__file__).parents[5] / "deploy/howto/import.md"
#: Format characters of Unicode that are drawn: signs in front of numbers, and the end of an ayah.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}
INVISIBLE = re.compile(f"[{UNSEEN}]")
cells = st.sampled_from(
    (
        *("key-1", "NULL", "\\N", "nan", "None", "#N/A", "null-1", "1.5", "12.", "1.2E+15", "1e-7"),
        *("1e5", "10.0.0.1", "-3.0", "+1", ".5", ".", "..", "...", "a.b", "é", "日本", "k\u00a0"),
        *(" k", "k ", "a b", "\u200bk", "k\ufeff", "a\u00adb", "\u3000k", "x" * 30, "", " "),
        *("[object Object]", "#DIV/0!", "-nan", "1,2E+15", "1,5", "un", "u", "\u061ck", "k\u3164"),
        *(
            "\u180ek",
            "\ufffbk",
            "\uffa0",
            "\u205fk",
            "\u0600k",
            "\u28ffk",
            "0123456789abcdef01234567",
        ),
        *("7", "user@example.com", "\u2028", "ab\u2009", "€5"),
    )
)


def kinds(batch: KeyBatch) -> dict[Doubt, list[int]]:
    return {doubt: rows.tolist() for doubt, rows in batch.doubts.items()}


def expected(cell: str) -> set[Doubt]:
    found = set()
    if cell in NULLS:
        found.add(Doubt.NULL_TEXT)
    if FLOAT.fullmatch(cell) and len(cell) <= 25:
        found.add(Doubt.FLOAT)
    if cell in {".", ".."}:
        found.add(Doubt.UNREACHABLE)
    if cell != cell.strip() or INVISIBLE.search(cell):
        found.add(Doubt.SPACE)
    return found


@given(values=st.lists(cells, min_size=1, max_size=40), text=st.booleans())
@example(values=["\ufeffk", "k"], text=False)
def test_validate__any_cells__the_doubtful_rows_are_found(values: list[str], *, text: bool) -> None:
    found = kinds(validate(pa.array([value.encode() for value in values], pa.binary()), text=text))
    for doubt in (Doubt.NULL_TEXT, Doubt.FLOAT, Doubt.UNREACHABLE, Doubt.SPACE):
        rows = [row for row, value in enumerate(values) if doubt in expected(value)]
        assert found.get(doubt, []) == rows, doubt


@given(values=st.lists(cells, min_size=2, max_size=40), skip=st.integers(0, 3))
def test_validate__slice_of_a_column__rows_are_those_of_the_slice(
    values: list[str], skip: int
) -> None:
    column = pa.array([value.encode() for value in values], pa.binary())
    skip = min(skip, len(values) - 1)
    alone = pa.array([value.encode() for value in values[skip:]], pa.binary())
    assert kinds(validate(column[skip:])) == kinds(validate(alone))


def test_validate__parquet_cells__kept_as_they_are() -> None:
    cells = pa.array(["\ufeffa".encode(), b'="1"', b'="a" & "b"', b'="a""b"'], pa.binary())
    assert validate(cells).keys.to_pylist() == cells.to_pylist()
    assert validate(cells, text=True).keys.to_pylist() == [b"a", b"1", b'="a" & "b"', b'a"b']


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        (["user_id", "k-1"], Doubt.HEADER),
        (["contextKey", "k-1"], Doubt.HEADER),
        (["E-Mail", "a@x.example"], Doubt.HEADER),
        (['"Customer ID";name', "1;A"], Doubt.HEADER),
        (["id", "1"], Doubt.HEADER),
        (["SEP=;", "a"], Doubt.SEPARATOR_LINE),
        (["user-key", "other-key"], None),
        (["user-1", "user-2"], None),
        (["my-long-winded-context-key", "k"], None),
        (["0", "1", "2"], None),
        (["", "k"], None),
        (["separate", "k"], None),
        ([], None),
    ],
)
def test_doubts_of_start__first_rows__what_they_look_like(
    rows: list[str], doubt: Doubt | None
) -> None:
    batch = validate(pa.array([row.encode() for row in rows], pa.binary()), text=True)
    found = find_start_doubts(batch)
    assert {kind: places.tolist() for kind, places in found.items()} == (
        {doubt: [0]} if doubt else {}
    )


def test_invisible__all_of_unicode__every_format_character_that_is_not_drawn() -> None:
    formats = {code for code in range(0x10000) if unicodedata.category(chr(code)) == "Cf"}
    assert formats - DRAWN <= set(map(ord, UNSEEN))


@pytest.mark.parametrize("delimiter", [(Doubt.SEMICOLON, b";"), (Doubt.PIPE, b"|")])
def test_validate__suspected_delimiter__every_row_with_it_is_counted(
    delimiter: tuple[Doubt, bytes],
) -> None:
    doubt, character = delimiter
    some = pa.array([b"plain", *(b"a%s%d%s" % (character, n, character) for n in range(20))])
    found = validate(some, delimiters=(doubt,)).doubts
    assert found[doubt].tolist() == [*range(1, 21)]
    assert doubt not in validate(some).doubts


@given(
    values=st.lists(st.sampled_from(("0", "1", "2", "3", "4", "01", "k", "", "9" * 19))),
    cut=st.integers(0, 9),
)
def test_row_numbers__batches_of_any_keys__the_rows_one_more_than_the_key_before(
    values: list[str], cut: int
) -> None:
    numbers, found, rows_before = RowNumbers(), list[int](), 0
    for part in (values[:cut], values[cut:]):
        batch = validate(pa.array([value.encode() for value in part], pa.binary()))
        found += (numbers.find(batch) + rows_before).tolist()
        rows_before += batch.row_count
    keys = [(row, value) for row, value in enumerate(values) if value]
    known = {str(number): number for number in range(10)}
    assert found == [
        row
        for place, (row, value) in enumerate(keys)
        if value in known and (place == 0 or known[value] == known.get(keys[place - 1][1], -1) + 1)
    ]


def test_doubts__each__has_a_label_and_words_of_its_own() -> None:
    assert len({one.label for one in Doubt}) == len({one.message for one in Doubt}) == len(Doubt)
    assert [Doubt.of(one.label) for one in Doubt] == list(Doubt)


def test_doubts__each__is_in_the_table_of_the_how_to() -> None:
    table = _HOWTO.read_text().partition("| kind |")[2].partition("\n\n")[0]
    first_cells = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert re.findall(r"`(\w+)`", "".join(first_cells)) == [one.label for one in Doubt]


def test_validate__rows_of_nothing__blank_without_a_doubt() -> None:
    batch = validate(pa.array([b"", None, b""], pa.binary()))
    assert (batch.row_count, len(batch.keys), kinds(batch)) == (3, 0, {})
    assert np.array_equal(batch.rejected_rows, [0, 1, 2])
