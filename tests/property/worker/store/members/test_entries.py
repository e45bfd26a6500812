"""Entries of members: what a listpack holds, and back."""

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.byte_columns import as_list
from worker.store.errors import ShardInvalid
from worker.store.members import (
    SENTINEL,
    entries_of,
    hash_member,
    hash_members,
    members_of,
    payloads_of_entries,
)
from worker.store.members.shard_payload import build_payloads

_members = st.binary(max_size=200).filter(lambda member: member != SENTINEL)


@given(st.lists(_members, max_size=30), st.integers(0, 2))
def test_entries_of__any_members__come_back(members: list[bytes], skipped: int) -> None:
    entries = entries_of(pa.array(members, pa.binary()))[skipped:]
    assert as_list(members_of(entries)) == members[skipped:]


@pytest.mark.parametrize("length", [1, 17, 62, 63, 64, 125, 126, 127, 128, 4_094, 4_095])
def test_entries_of__one_length__are_the_same_from_a_fixed_size_column(length: int) -> None:
    source = random.Random(length)
    members = [b"z" * length, *(source.randbytes(length) for _ in range(5))]
    entries = entries_of(pa.array(members, pa.binary(length)))
    assert pa.types.is_fixed_size_binary(entries.type)
    mixed = entries_of(pa.array([*members, b"another length"], pa.binary()))
    assert as_list(entries) == as_list(mixed)[:-1]
    assert as_list(members_of(entries)) == members


@pytest.mark.parametrize(
    ("members", "match"),
    [
        ([SENTINEL], "sentinel"),
        ([SENTINEL, b"ab"], "sentinel"),
        ([b"a" * 4_096], "4096 bytes"),
        ([b"a", b"a" * 4_096], "4096 bytes"),
    ],
)
def test_entries_of__no_members__are_refused(members: list[bytes], match: str) -> None:
    with pytest.raises(ShardInvalid, match=match):
        entries_of(pa.array(members, pa.binary()))


@given(st.sets(_members, max_size=40))
def test_payloads_of_entries__any_members__are_the_payloads_of_the_members(
    members: set[bytes],
) -> None:
    column = pa.array(sorted(members, key=hash_member), pa.binary())
    hashes = hash_members(column)
    expected = build_payloads(column, hashes, bits=3, first_shard=0, shard_count=8)
    found = payloads_of_entries(entries_of(column), hashes, bits=3, first_shard=0, shard_count=8)
    assert found == expected


@pytest.mark.parametrize("order", [[0, 0], [1, 0]])
def test_payloads_of_entries__repeated_or_out_of_order__are_refused(order: list[int]) -> None:
    members = pa.array([b"aa", b"bb"], pa.binary())
    entries, hashes = entries_of(members), hash_members(members)
    ascending = sorted(range(2), key=lambda row: hashes[row])
    rows = [ascending[place] for place in order]
    with pytest.raises(ShardInvalid, match=r"order|repeated"):
        payloads_of_entries(
            entries.take(pa.array(rows)), hashes[rows], bits=0, first_shard=0, shard_count=1
        )
