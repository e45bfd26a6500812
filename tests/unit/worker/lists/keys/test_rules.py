"""What an importer wants done to cells is what Python does to each of them."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.byte_columns import Column
from worker.lists.keys.rules import KeyRules

_texts = st.text(alphabet="aBé É\u00a0\u200b\ufeff\tİ", max_size=5)


def apply(rules: KeyRules, cells: list[bytes]) -> list[Any]:
    # Also of a slice, whose first byte is not the first of its buffer.
    column: Column = pa.array([b"first", *cells], pa.binary())
    return rules.apply(column[1:]).to_pylist()


@given(cells=st.lists(_texts))
def test_lowercase__any_text__as_python_lowers_it(cells: list[str]) -> None:
    found = apply(KeyRules(lowercase=True), [cell.encode() for cell in cells])

    assert found == [cell.lower().encode() for cell in cells]


@given(cells=st.lists(_texts))
def test_trim__any_text__nothing_invisible_is_left_at_its_ends(cells: list[str]) -> None:
    found = apply(KeyRules(trim=True), [cell.encode() for cell in cells])

    for cell, trimmed in zip(cells, found, strict=True):
        text = trimmed.decode()
        assert text in cell
        assert not text or not (set(text[0] + text[-1]) & set(" \t\u00a0\u200b\ufeff"))
        assert text.strip() == text
        assert not cell.replace(text, "", 1).strip(" \t\u00a0\u200b\ufeff") or not text


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([b" NULL", b"NULL", b"null"], [b"", b"", b"null"]),
        ([b"\xff A", b" \xff"], [b"\xff A", b" \xff"]),
        ([], []),
        ([b"", b""], [b"", b""]),
    ],
    ids=["text for blank", "no UTF-8", "none", "empty"],
)
def test_rules__in_order__trim_then_compare_then_lower(
    cells: list[bytes], found: list[bytes]
) -> None:
    rules = KeyRules(trim=True, null_text="NULL", lowercase=True)

    assert apply(rules, cells) == found
