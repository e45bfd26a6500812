"""The hash of a column is the library's, for every length; shards are its high bits."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from worker.store.members import hash_member, hash_members, shard_index


def expected(members: list[bytes]) -> list[int]:
    return [xxh3_64_intdigest(member) for member in members]


@pytest.mark.parametrize("length", range(301))
def test_hash_members__one_length__equals_the_library(length: int) -> None:
    source = random.Random(length)
    members = [source.randbytes(length) for _ in range(300)]
    members[:2] = [bytes(length), b"\xff" * length]
    assert hash_members(pa.array(members, pa.binary())).tolist() == expected(members)
    if length:
        fixed = pa.array(members, pa.binary(length)).slice(3)
        assert hash_members(fixed).tolist() == expected(members[3:])


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_hash_members__many_lengths__equals_the_library_in_the_same_order(
    kind: pa.DataType,
) -> None:
    source = random.Random(5)
    members = [
        source.randbytes(source.choice((0, 1, 5, 9, 17, 30, 31, 64, 65, 300))) for _ in range(9000)
    ]
    column = pa.array(members, kind).slice(7)
    hashes = hash_members(column)
    assert hashes.dtype == np.uint64
    assert hashes.tolist() == expected(members[7:])


def test_hash_members__several_blocks__equals_the_library() -> None:
    source = random.Random(6)
    members = [source.randbytes(17) for _ in range(20_001)]
    assert hash_members(pa.array(members, pa.binary(17))).tolist() == expected(members)


@given(st.lists(st.binary(max_size=80), max_size=20), st.integers(0, 3))
def test_hash_members__any_column__equals_hash_one(members: list[bytes], skipped: int) -> None:
    column = pa.array(members, pa.binary()).slice(skipped)
    assert hash_members(column).tolist() == [hash_member(member) for member in members[skipped:]]


@given(st.integers(0, 2**64 - 1), st.integers(0, 40))
def test_shard_index__any_hash__doubling_splits_a_shard_in_two(hash_: int, bits: int) -> None:
    shard = shard_index(hash_, bits)
    assert 0 <= shard < 2**bits
    assert shard_index(hash_, bits + 1) // 2 == shard
