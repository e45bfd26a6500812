import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.lists.errors import BrokenSpill
from worker.lists.spills import SpillIndex, SpillWriter, read_blocks
from worker.store import UnreadableRecord
from worker.store.records import RecordCodec

_INDEXES = RecordCodec(SpillIndex)

_hashes = st.integers(0, 2**64 - 1) | st.sampled_from((0, 2**64 - 1, 2**63, 2**63 - 1))
_portions = st.lists(
    st.tuples(
        st.lists(st.tuples(_hashes, st.binary(min_size=3, max_size=3)), max_size=20),
        st.sampled_from((pa.binary(3), pa.binary(), pa.large_binary())),
        st.integers(0, 2),
    ),
    max_size=4,
)


def spilled(
    portions: list[tuple[list[tuple[int, bytes]], pa.DataType, int]], bits: int
) -> tuple[bytes, SpillIndex]:
    sink = io.BytesIO()
    writer = SpillWriter(sink, bits)
    for rows, kind, skipped in portions:
        members = pa.array([member for _, member in rows], kind)[skipped:]
        hashes = np.array([hash_ for hash_, _ in rows[skipped:]], np.uint64)
        writer.add_portion([(members, hashes)])
    return sink.getvalue(), writer.close()


@given(
    portions=_portions,
    bits=st.sampled_from((0, 1, 3, 8, 9)),
    bounds=st.tuples(st.integers(0, 511), st.integers(0, 511)),
    piece_bytes=st.integers(50, 5000),
)
@settings(max_examples=150, deadline=None)
def test_spill__any_runs__each_range_gets_its_rows_in_order(
    portions: list[tuple[list[tuple[int, bytes]], pa.DataType, int]],
    bits: int,
    bounds: tuple[int, int],
    piece_bytes: int,
) -> None:
    content, index = spilled(portions, bits)
    first, last = sorted(bound % index.range_count for bound in bounds)
    assert _INDEXES.decode(_INDEXES.encode(index), "an index") == index
    blocks = b"".join(content[start:end] for start, end in index.blocks_of(first, last))
    pieces = [blocks[at : at + piece_bytes] for at in range(0, len(blocks), piece_bytes)]
    expected = [
        (hash_, member)
        for rows, _, skipped in portions
        for range_, hash_, member in sorted(
            ((hash_ >> (64 - bits), hash_, member) for hash_, member in rows[skipped:]),
            key=lambda row: row[0],
        )
        if first <= range_ <= last
    ]
    members, hashes = read_blocks(pieces, rows=index.rows_of(first, last))
    assert hashes.dtype == np.uint64
    assert [*zip(hashes.tolist(), members.to_pylist(), strict=True)] == expected


def test_spill__all_blocks_of_one_length__stay_fixed_size() -> None:
    rows = [(n << 56, f"{n:03}".encode()) for n in range(200)]
    content, index = spilled([(rows, pa.binary(3), 0)] * 2, 4)
    members, _ = read_blocks([content[a:b] for a, b in index.blocks_of(0, 15)])
    assert members.type == pa.binary(3)
    assert len(members) == 400


@given(
    columns=st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(0, 2**64 - 1), max_size=20)), max_size=4
    ),
    bits=st.sampled_from((0, 2, 9)),
)
def test_spill__run_of_columns_of_several_lengths__each_range_gets_all_its_rows(
    columns: list[tuple[int, list[int]]], bits: int
) -> None:
    sink = io.BytesIO()
    writer = SpillWriter(sink, bits)
    rows = [(hash_, hash_.to_bytes(8)[:width]) for width, hashes in columns for hash_ in hashes]
    writer.add_portion(
        [
            (
                pa.array([hash_.to_bytes(8)[:width] for hash_ in hashes], pa.binary(width)),
                np.array(hashes, np.uint64),
            )
            for width, hashes in columns
        ]
    )
    index = writer.close()
    for range_ in range(1 << bits):
        pieces = [sink.getvalue()[a:b] for a, b in index.blocks_of(range_, range_)]
        members, hashes = read_blocks(pieces, rows=index.rows_of(range_, range_))
        expected = [(hash_, member) for hash_, member in rows if hash_ >> (64 - bits) == range_]
        assert [*zip(hashes.tolist(), members.to_pylist(), strict=True)] == expected


def test_spill__adjacent_ranges__one_byte_range_a_run() -> None:
    rows = [(n << 56, b"abc") for n in range(256)]
    content, index = spilled([(rows, pa.binary(), 0)] * 3, 8)
    assert len(index.blocks_of(10, 20)) == 3
    assert index.blocks_of(0, 255)[-1][1] == len(content)
    assert index.rows_of(10, 20) == 33


def test_spill__nothing_written__nothing_read() -> None:
    content, index = spilled([], 6)
    assert content == b""
    assert index.blocks_of(0, 63) == []
    members, hashes = read_blocks([])
    assert (len(members), len(hashes)) == (0, 0)


def test_read_blocks__cut__broken_spill() -> None:
    content, _ = spilled([([(1, b"abc")] * 50, pa.binary(), 0)], 0)
    for end in (10, len(content) // 2, len(content) - 9):
        with pytest.raises(BrokenSpill):
            read_blocks([content[:end]], rows=50)


def test_read_blocks__arrow_streams_of_an_earlier_release__broken_spill() -> None:
    stream = io.BytesIO()
    batch = pa.record_batch({"hash": pa.array([1], pa.uint64()), "member": pa.array([b"abc"])})
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(BrokenSpill, match="another release"):
        read_blocks([stream.getvalue()], rows=1)


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(3)])
@pytest.mark.parametrize("at", [8, 16, 24])
def test_read_blocks__head_changed__broken_spill(kind: pa.DataType, at: int) -> None:
    content = bytearray(spilled([([(1, b"abc")] * 50, kind, 0)], 0)[0])
    content[at] ^= 1
    with pytest.raises(BrokenSpill):
        read_blocks([bytes(content)], rows=50)


def test_spill_writer__member_longer_than_its_length_can_say__refused() -> None:
    members = pa.array([b"a", b"b" * 65_536], pa.binary())
    with pytest.raises(ValueError, match="65536 bytes"):
        SpillWriter(io.BytesIO(), 0).add_portion([(members, np.zeros(2, np.uint64))])


def test_read_blocks__block_missing__broken_spill() -> None:
    rows = [(n << 56, b"abc") for n in range(256)]
    content, index = spilled([(rows, pa.binary(), 0)], 1)
    start, end = index.blocks_of(0, 0)[0]
    with pytest.raises(BrokenSpill, match="promises 256 rows and its blocks hold 128"):
        read_blocks([content[start:end]], rows=index.rows_of(0, 1))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"range_count":2,"offsets":7,"rows":[[1]]}'])
def test_spill_index__no_index_in_a_record__unreadable(text: str) -> None:
    with pytest.raises(UnreadableRecord):
        _INDEXES.decode(text.encode(), "an index")


@pytest.mark.parametrize(
    "text",
    [
        '{"range_count":2,"offsets":[[0,1]],"rows":[[1]]}',
        '{"range_count":1,"offsets":[[5,1]],"rows":[[1]]}',
        '{"range_count":1,"offsets":[],"rows":[[1]]}',
    ],
)
def test_spill_index__contradicts_itself__broken_spill(text: str) -> None:
    with pytest.raises(BrokenSpill):
        _INDEXES.decode(text.encode(), "an index")


def test_spill_writer__too_many_range_bits__refused() -> None:
    with pytest.raises(ValueError, match="0 to 16"):
        SpillWriter(io.BytesIO(), 17)
