"""Columns of bytes, against plain lists."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.byte_columns import concatenate, split_by_length


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@given(
    rows=st.lists(st.binary(max_size=6), min_size=1, max_size=40),
    least_rows=st.integers(1, 9),
    skipped=st.integers(0, 2),
)
def test_split_by_length__any_rows__a_column_for_each_frequent_length(
    kind: pa.DataType, rows: list[bytes], least_rows: int, skipped: int
) -> None:
    rows = [*([b"skipped"] * skipped), *rows]
    found = split_by_length(pa.array(rows, kind)[skipped:], least_rows)
    rows = rows[skipped:]
    by_length = [[row for row in rows if len(row) == length] for length in range(7)]
    frequent = [group for group in by_length if len(group) >= least_rows and group[0]]
    others = [row for group in by_length if group not in frequent for row in group]
    assert [column.to_pylist() for column in found] == frequent + ([others] if others else [])
    assert [column.type for column in found[: len(frequent)]] == [
        pa.binary(len(group[0])) for group in frequent
    ]


_kinds = st.sampled_from((pa.binary(3), pa.binary(), pa.large_binary(), pa.string()))


@given(st.lists(st.tuples(st.lists(st.just("abc"), max_size=4), _kinds, st.integers(0, 2))))
def test_concatenate__columns_of_any_types__holds_all_rows(
    parts: list[tuple[list[str], pa.DataType, int]],
) -> None:
    columns = [pa.array(rows, kind)[skipped:] for rows, kind, skipped in parts]
    joined = concatenate(columns)
    rows = [b"abc" for rows, _, skipped in parts for _ in rows[skipped:]]
    assert joined.cast(pa.binary()).to_pylist() == rows
    assert joined.type == columns[0].type if len({c.type for c in columns}) == 1 else pa.binary()
