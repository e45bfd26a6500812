"""Cutting lists: every byte once, every range a whole number of shards."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.imports.gather import Range
from worker.imports.plan import Chunk, Plan, Source, cut_bytes
from worker.lists.format import ListFormat
from worker.store.lists import FIRST_BITS, MOST_MEAN_LOAD, bits_for


@given(size=st.integers(0, 10**12), limit=st.integers(1_024, 2**28))
def test_cut_bytes__any_size__covers_every_byte_once_within_the_limit(
    size: int, limit: int
) -> None:
    size = min(size, limit * 500)

    chunks = cut_bytes(0, size, limit)

    assert [chunk.first for chunk in chunks] == [0, *(chunk.stop for chunk in chunks[:-1])]
    assert chunks[-1].stop == size
    assert all(chunk.stop - chunk.first <= limit for chunk in chunks)


@given(count=st.integers(1, 64), total=st.integers(0, 5_000))
def test_ranges__any_total__cover_it_once_in_order(count: int, total: int) -> None:
    bounds = [Range(number, count).of(total) for number in range(count)]

    assert bounds[0][0] == 0
    assert bounds[-1][1] == total
    assert all(left[1] == right[0] for left, right in pairwise(bounds))


@given(count=st.integers(1, 10**9))
def test_bits_for__any_count__keeps_the_mean_load_in_bounds(count: int) -> None:
    bits = bits_for(count)

    assert count / 2**bits <= MOST_MEAN_LOAD
    assert bits == FIRST_BITS or count / 2**bits > MOST_MEAN_LOAD / 2


def test_bits_for__no_member__is_one_shard() -> None:
    assert bits_for(0) == 0


def test_plan__to_json_and_back__is_the_same() -> None:
    source = Source("bucket", "lists/a", 10, '"e"', ListFormat.PARQUET)
    plan = Plan((source,), (Chunk(0, 0, 3),), 4, 10)

    assert Plan.from_json(plan.to_json()) == plan
