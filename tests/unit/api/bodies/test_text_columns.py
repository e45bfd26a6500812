"""Bodies of large arrays are read as the strict parser reads them, or left to it."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies.json_values import read_json
from api.bodies.text_columns import find_bad_key, read_text_columns
from worker.context_keys import fault_of

_NAMES = ("a", "b")
_TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=4
)


@given(st.fixed_dictionaries({"a": _TEXTS, "b": _TEXTS}), st.booleans(), st.sampled_from([None, 2]))
def test_columns__arrays_of_text_in_any_writing__are_what_json_says(
    value: dict[str, list[str]], ascii_only: bool, indent: int | None
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    columns = read_text_columns(raw, _NAMES)

    assert (columns is None) == (b"\\" in raw)
    if columns is not None:
        assert {name: column.to_pylist() for name, column in columns.items()} == read_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(raw, id=str(number))
        for number, raw in enumerate(
            [
                b"",
                b"[]",
                b"null",
                b'{"a":["x"]}',
                b'{"a":["x"],"b":null}',
                b'{"a":["x"],"b":[null]}',
                b'{"a":["x"],"b":[1]}',
                b'{"a":["x"],"b":["y",["z"]]}',
                b'{"a":["x"],"b":"y"}',
                b'{"a":["x"],"b":["y"],"c":[]}',
                b'{"a":["x"],"b":["y"],"b":["z"]}',
                b'{"a":["x"],"b":["y",]}',
                b'{"a":["x"],"b":["y"]}{"a":[],"b":[]}',
                b'{"a":["x"],"b":["y"]} z',
                b'{"a":["x"],"b":["\xff"]}',
                b'{"a":["x"],"b":["\\ud800"]}',
                b'{"a":["x"],"b":["\n"]}',
                b'{"a":["x"],"b":[]}',
                b'{"a":["x"],"b":["y"]',
                b'{"a":["x"],"b":["y"}]',
                b'{"a":["x"],"b":["y"""]}',
                b'{"a":["x"],"b":["y" "z"]}',
                b'{"a":["x"]"b":["y"]}',
                b'{"a":["x"],"c":["y"]}',
                b'{"a":["x"],"b":["y"],}',
                b'{{"a":["x"],"b":["y"]}',
                b'"a":["x"],"b":["y"]',
            ]
        )
    ],
)
def test_columns__anything_else__is_left_to_the_strict_parser(raw: bytes) -> None:
    assert read_text_columns(raw, _NAMES) is None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=6))
def test_bad_key__of_a_column__is_the_first_that_the_rule_refuses(keys: list[str]) -> None:
    faults = [(row, fault) for row, key in enumerate(keys) if (fault := fault_of(key))]

    assert find_bad_key(pa.array(keys, pa.string())) == (faults[0] if faults else None)


def test_bad_key__of_any_white_space_or_control_character__is_found() -> None:
    for code in range(0x3100):  # the last white space is U+3000
        key = chr(code)
        if key.isspace() or fault_of(f"a{key}"):
            for bad in (key, f"a{key}"):
                found = find_bad_key(pa.array(["é", bad], pa.string()))
                assert found == ((1, fault) if (fault := fault_of(bad)) else None), code


def test_bad_key__of_1025_bytes__is_found() -> None:
    assert find_bad_key(pa.array(["x" * 1024, "é" * 512])) is None
    assert find_bad_key(pa.array(["x", "é" * 513])) == (1, fault_of("é" * 513))
