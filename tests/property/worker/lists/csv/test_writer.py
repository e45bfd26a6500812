import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lists.files import read_in_chunks, reference_cells, reference_outcome
from worker.lists.csv.writer import csv_lines

_awkward = st.lists(
    st.sampled_from(('"', '="', ",", "a", " ", "\ufeff", "é", "\n", "\r", "'", "\U0001f600")),
    max_size=6,
).map("".join)
_columns = st.lists(_awkward | st.text(max_size=8), max_size=12)
_clean = st.lists(st.text("abc-09é", min_size=3, max_size=4), max_size=40)
_kinds = st.sampled_from((pa.binary(), pa.large_binary(), pa.string(), pa.large_string()))


@given(parts=st.lists(_columns | _clean, max_size=3), kind=_kinds, skipped=st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_csv_lines__any_keys_in_any_parts__read_back_exactly(
    parts: list[list[str]], kind: pa.DataType, skipped: int
) -> None:
    content, keys = b"", list[bytes]()
    for part in parts:
        encoded = [key.encode() for key in part]
        content += csv_lines(pa.array(encoded, pa.binary()).cast(kind)[skipped:])
        keys += encoded[skipped:]
    assert reference_cells(content) == keys
    assert read_in_chunks(content, [len(content) // 2]) == [*map(reference_outcome, keys)]


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("a", b"a\n"),
        ("a b", b"a b\n"),
        ("'a'", b"'a'\n"),
        ("a,b", b'"a,b"\n'),
        ('a"b', b'"a""b"\n'),
        ("\ufeffa", b'"\xef\xbb\xbfa"\n'),
        ("a\ufeff", b"a\xef\xbb\xbf\n"),
        ("\uff0c", b"\xef\xbc\x8c\n"),
        ("", b'""\n'),
    ],
)
def test_csv_lines__one_key__quoted_only_where_needed(key: str, line: bytes) -> None:
    assert csv_lines(pa.array([key])) == line
    assert csv_lines(pa.array(["x", key, "yy"])) == b"x\n" + line + b"yy\n"


def test_csv_lines__no_keys__nothing() -> None:
    assert csv_lines(pa.array([], pa.binary())) == b""


def test_csv_lines__first_key_begins_with_a_bom__survives_utf_8_sig_readers() -> None:
    content = csv_lines(pa.array(["\ufeffa"]))
    assert io.TextIOWrapper(io.BytesIO(content), "utf-8-sig").read() == '"\ufeffa"\n'
