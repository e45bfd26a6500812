"""Sorting and de-duplicating members, against plain sets."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from worker.byte_columns import as_list
from worker.store.members import (
    Members,
    distinct,
    drop_frequent,
    join_members,
    no_members,
    subtract,
)

# Few hashes for many members: collisions are the rule here.
_rows = st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=3)), max_size=60)


def _members(rows: list[tuple[int, bytes]], kind: pa.DataType) -> Members:
    entries = pa.array([member for _, member in rows], kind)
    return Members(entries, np.array([hash_ for hash_, _ in rows], np.uint64))


@given(rows=_rows)
def test_distinct__colliding_hashes__keeps_each_member_once_in_order(
    rows: list[tuple[int, bytes]],
) -> None:
    found = distinct(_members(rows, pa.binary()))

    assert list(zip(found.hashes.tolist(), as_list(found.entries), strict=True)) == sorted(
        set(rows)
    )


@given(rows=_rows, copies=st.integers(1, 300))
def test_drop_frequent__members_repeated__every_one_is_kept_and_few_more(
    rows: list[tuple[int, bytes]], copies: int
) -> None:
    found = drop_frequent(_members(rows * copies, pa.binary()))

    kept = list(zip(found.hashes.tolist(), as_list(found.entries), strict=True))
    assert set(kept) == set(rows)
    alone = {row for row in rows if [hash_ for hash_, _ in set(rows)].count(row[0]) == 1}
    if (copies - 1) * len({hash_ for hash_, _ in rows}) >= 8:
        assert all(kept.count(row) == 1 for row in alone)


@given(rows=st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(min_size=4, max_size=4))))
def test_distinct__fixed_width__is_the_same_as_variable(rows: list[tuple[int, bytes]]) -> None:
    fixed = distinct(_members(rows, pa.binary(4)))
    variable = distinct(_members(rows, pa.binary()))

    assert as_list(fixed.entries) == as_list(variable.entries)
    assert fixed.hashes.tolist() == variable.hashes.tolist()


@given(
    seeds=st.lists(
        st.tuples(st.sampled_from((0, 1, 2, 2**63, 2**64 - 1)), st.integers(0, 2**20)), max_size=60
    ),
    shift=st.integers(0, 44),
)
def test_distinct__hashes_that_differ_in_any_bits__are_in_order(
    seeds: list[tuple[int, int]], shift: int
) -> None:
    hashes = [high ^ low << shift for high, low in seeds]
    found = distinct(_members([(hash_, hash_.to_bytes(8)) for hash_ in hashes], pa.binary(8)))

    assert found.hashes.tolist() == sorted(set(hashes))
    assert [int.from_bytes(member) for member in as_list(found.entries)] == sorted(set(hashes))


@given(left=_rows, right=st.lists(st.tuples(st.integers(0, 9), st.binary(min_size=2, max_size=2))))
def test_concatenate__different_column_types__keeps_every_row(
    left: list[tuple[int, bytes]], right: list[tuple[int, bytes]]
) -> None:
    both = join_members([_members(left, pa.binary()), _members(right, pa.binary(2))])

    assert as_list(both.entries) == [member for _, member in left + right]
    assert both.hashes.tolist() == [hash_ for hash_, _ in left + right]


@given(left=st.sets(st.binary(min_size=2, max_size=2)), right=st.sets(st.binary(max_size=2)))
def test_subtract__different_column_types__leaves_what_a_set_leaves(
    left: set[bytes], right: set[bytes]
) -> None:
    members = distinct(_members([(sum(one), one) for one in left], pa.binary(2)))
    removed = distinct(_members([(sum(one), one) for one in right], pa.binary()))

    found = subtract(members, removed)

    assert set(as_list(found.entries)) == left - right
    assert found.hashes.tolist() == sorted(sum(one) for one in left - right)


@given(
    hashes=st.lists(st.integers(0, 2**64 - 1), max_size=30),
    low=st.integers(0, 2**64 - 1),
    size=st.integers(1, 2**64),
)
def test_between__any_bounds__is_the_hashes_within(hashes: list[int], low: int, size: int) -> None:
    members = distinct(_members([(hash_, b"x") for hash_ in hashes], pa.binary()))
    high = min(low + size, 1 << 64)

    found = members.between(low, high)

    assert found.hashes.tolist() == sorted({hash_ for hash_ in hashes if low <= hash_ < high})


def test_no_members__concatenated__is_empty() -> None:
    assert len(join_members([no_members(), no_members()])) == 0
