"""Cutting lists: every byte once, every range a whole number of shards."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.imports.building.gather import Range
from worker.imports.planning.inspection import InspectedFile
from worker.imports.planning.plan import cut_bytes, cut_row_groups, make_plan
from worker.imports.stage_results import Source
from worker.lists.format import ListFormat
from worker.lists.parquet.reader import RowGroup
from worker.settings import WorkerSettings
from worker.store.jobs import DetectedList
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


@given(
    st.lists(st.builds(RowGroup, st.integers(0, 900), st.integers(0, 9_000)), max_size=60),
)
def test_cut_row_groups__any_sizes__each_once_and_over_the_limits_by_less_than_one(
    groups: list[RowGroup],
) -> None:
    limits = WorkerSettings(chunk_rows=1_000, chunk_bytes=10_000)

    chunks = cut_row_groups(limits, 0, groups)

    assert [chunk.first for chunk in chunks] == [0, *(chunk.stop for chunk in chunks[:-1])]
    assert chunks[-1].stop == len(groups)
    assert sum(chunk.rows for chunk in chunks) == sum(group.rows for group in groups)
    for chunk in chunks:
        size = sum(group.column_bytes for group in groups[chunk.first : chunk.stop])
        assert chunk.rows <= 1_900
        assert size <= 19_000


def test_cut_row_groups__of_one_size__shared_evenly() -> None:
    limits = WorkerSettings(chunk_rows=1_000, chunk_bytes=10_000)
    chunks = cut_row_groups(limits, 0, [RowGroup(10, 2_990)] * 20)
    assert [chunk.stop - chunk.first for chunk in chunks] == [3, 4, 3, 3, 4, 3]


def _inspected(number: int, size: int) -> InspectedFile:
    source = Source("bucket", f"lists/{number}", size, '"etag"', ListFormat.CSV)
    detected = DetectedList("csv", "none", "utf-8", "comma", header=False, column=1)
    return InspectedFile(source, detected)


@given(st.lists(st.one_of(st.integers(0, 50), st.integers(0, 6_000)), min_size=1, max_size=700))
def test_plan__files_of_any_size__are_in_the_chunks_once_and_in_order(sizes: list[int]) -> None:
    settings = WorkerSettings(chunk_bytes=1_024)
    large = {n: _inspected(n, size) for n, size in enumerate(sizes) if size > settings.chunk_bytes}

    plan = make_plan(settings, sizes, {0: _inspected(0, sizes[0]), **large}, base_count=0)

    covered = [0] * len(sizes)
    for chunk in plan.chunks:
        assert chunk.stop - chunk.first <= settings.chunk_bytes
        assert chunk.files <= 256
        if not chunk.files:
            assert plan.sources[chunk.source].key == f"lists/{chunk.file}"
            covered[chunk.file] += chunk.stop - chunk.first
            continue
        here = range(chunk.file, chunk.file + chunk.files)
        assert chunk.stop == sum(sizes[number] for number in here)
        for number in here:
            covered[number] += sizes[number]
    assert covered == sizes
    assert [chunk.file for chunk in plan.chunks] == sorted(chunk.file for chunk in plan.chunks)
    assert plan.files == len(sizes)


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
