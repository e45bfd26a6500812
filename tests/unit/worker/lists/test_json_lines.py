"""The keys of JSON Lines, and why a line has none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.lists.errors import NestedTooDeep
from worker.lists.json_lines import MOST_LEVELS, read_json_rows
from worker.lists.keys.validation import RejectReason


def read(block: bytes, field: str | None = None) -> list[Any]:
    rows = read_json_rows(block, limit=len(block), final=True, field=field)
    assert rows.end == len(block)
    assert rows.faults is not None
    cells: list[Any] = rows.cells.to_pylist()
    return [
        RejectReason(fault) if fault else cell
        for cell, fault in zip(cells, rows.faults.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'"a\\u00e9"', "aé".encode()),
        (b"12345678901234567890123", b"12345678901234567890123"),
        (b"1.50", b"1.50"),
        (b'{"k": "v"}', b"v"),
        (b'{"k": 1e3}', b"1e3"),
        (b'\xef\xbb\xbf{"k": "v"}', b"v"),
        (b'{"x": "v"}', b""),
        (b'{"k": null}', b""),
        (b"", b""),
        (b"true", RejectReason.NOT_TEXT),
        (b'{"k": ["v"]}', RejectReason.NOT_TEXT),
        (b'{"k": "v"', RejectReason.INVALID_JSON),
        (b"NaN", RejectReason.INVALID_JSON),
        (b'"a" "b"', RejectReason.INVALID_JSON),
        (b'"\\ud800"', RejectReason.INVALID_UTF8),
        (b'"\xff"', RejectReason.INVALID_UTF8),
    ],
)
def test_line__of_any_kind__its_key_or_the_reason(line: bytes, found: object) -> None:
    assert read(line + b"\n", "k") == [found]


@given(values=st.lists(st.text(max_size=5)), cut=st.integers(0, 200), final=st.booleans())
def test_rows__cut_anywhere__each_line_once(values: list[str], cut: int, *, final: bool) -> None:
    block = "".join(json.dumps(value) + "\n" for value in values).encode()
    head = block[: min(cut, len(block))]

    rows = read_json_rows(head, limit=len(head), final=False, field=None)
    rest = read_json_rows(block[rows.end :], limit=len(block), final=final, field=None)

    cells: list[Any] = [*rows.cells.to_pylist(), *rest.cells.to_pylist()]
    assert cells == [value.encode("utf-8", "surrogatepass") for value in values]


def test_line__that_nests_too_deep__stops_and_brackets_in_text_do_not() -> None:
    brackets = '"' + "[" * 100 + '\\""'

    assert read(brackets.encode()) == [b"[" * 100 + b'"']
    with pytest.raises(NestedTooDeep, match="32 levels"):
        read(b"[" * (MOST_LEVELS + 1))
