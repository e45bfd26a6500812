"""Restored payloads are the sets that SADD makes, on every server that takes them."""

import random
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
import redis
from anycrc import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.servers.redis import Server
from tests.support.store.payloads import read_payload
from worker.byte_columns import as_list
from worker.store.errors import ShardInvalid
from worker.store.members import (
    SENTINEL,
    Hashes,
    build_payloads,
    hash_members,
    pack_keys,
    shard_index,
    shard_slices,
)

_Hashed = list[tuple[int, bytes]]


@pytest.fixture(params=["redis8_server", "valkey_server"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    server: Server = request.getfixturevalue(request.param)
    with server.client() as client:
        yield client


def build(
    hashed: _Hashed, bits: int, first_shard: int = 0, count: int | None = None
) -> list[bytes]:
    return build_payloads(
        pa.array([member for _, member in hashed], pa.binary()),
        np.array([hash_ for hash_, _ in hashed], np.uint64),
        bits=bits,
        first_shard=first_shard,
        shard_count=count or 2**bits,
    )


def hashed_members(members: set[bytes]) -> _Hashed:
    column = pa.array(list(members), pa.binary())
    return sorted(zip(hash_members(column).tolist(), as_list(column), strict=True))


def check_on_server(client: redis.Redis, hashed: _Hashed, bits: int) -> None:
    """Restore all shards, and hold each against a set made by SADD."""
    built = build(hashed, bits)
    pipe = client.pipeline(transaction=False)
    for shard, payload in enumerate(built):
        members = [member for hash_, member in hashed if shard_index(hash_, bits) == shard]
        assert read_payload(payload) == members
        pipe.delete("plain")
        pipe.sadd("plain", SENTINEL, *members)
        pipe.restore("shard", 0, payload, replace=True)
        pipe.smembers("shard")
        pipe.smismember("shard", [SENTINEL, *members, b"\xf7a stranger"])
        pipe.sdiff(["shard", "plain"])
        pipe.sdiff(["plain", "shard"])
        pipe.sintercard(2, ["shard", "plain"])
        pipe.sadd("shard", SENTINEL, *members)
        pipe.srem("shard", *[SENTINEL, *members])
        pipe.exists("shard")
        replies = pipe.execute()
        assert replies[3] == {SENTINEL, *members}
        assert replies[4] == [1] * (len(members) + 1) + [0]
        assert replies[5:7] == [set(), set()]
        assert replies[7:] == [len(members) + 1, 0, len(members) + 1, 0]


_INTEGERS = st.integers(-(2**63), 2**64).map(lambda number: str(number).encode())
_PACKED = st.binary(min_size=16, max_size=16).map(lambda raw: b"\xf8" + raw)
_MEMBERS = st.one_of(
    _INTEGERS,
    _PACKED,
    st.binary(max_size=300),
    st.sampled_from([b"", b"0", b"-1", b"00", b"\x00\x00"]),
).filter(lambda member: member != SENTINEL)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.sets(_MEMBERS, max_size=60), bits=st.integers(0, 3))
def test_build_payloads__any_members__restore_to_what_sadd_makes(
    client: redis.Redis, members: set[bytes], bits: int
) -> None:
    check_on_server(client, hashed_members(members), bits)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hashed=st.sets(
        st.tuples(st.sampled_from([0, 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]), _MEMBERS),
        max_size=40,
    ).map(lambda pairs: sorted({member: hash_ for hash_, member in pairs}.items()))
)
def test_build_payloads__colliding_hashes__restore_to_what_sadd_makes(
    client: redis.Redis, hashed: list[tuple[bytes, int]]
) -> None:
    check_on_server(client, sorted((hash_, member) for member, hash_ in hashed), 2)


def test_restore__repeated_member_with_a_right_checksum__is_refused_by_these_servers(
    client: redis.Redis,
) -> None:
    """The servers read every entry, so what they take in the other tests is well-formed."""
    content = build([(1, b"aa"), (1, b"ab")], 0)[0][:-8].replace(b"ab", b"aa")
    forged = content + Model("CRC64-REDIS").calc(content).to_bytes(8, "little")
    with pytest.raises(redis.ResponseError, match="Bad data format"):
        client.restore("forged", 0, forged, replace=True)


def test_build_payloads__every_length__restores_to_what_sadd_makes(client: redis.Redis) -> None:
    source = random.Random(1)
    lengths = [*range(2, 140), *range(140, 1_030, 7), 1_024, 1_025, 4_095]
    members = {source.randbytes(length) for length in lengths} | {b"", b"x"}
    check_on_server(client, hashed_members(members), 3)


@pytest.mark.parametrize("length", [1, 7, 8, 17, 62, 63, 64, 125, 126, 127, 128, 1_025, 4_095])
def test_build_payloads__one_length__is_the_same_from_a_fixed_size_column(
    client: redis.Redis, length: int
) -> None:
    source = random.Random(length)
    hashed = hashed_members(
        {b"z" * length, *(source.randbytes(length) for _ in range(50))} - {SENTINEL}
    )
    check_on_server(client, hashed, 1)
    members = pa.array([member for _, member in hashed], pa.binary(length))
    hashes = np.array([hash_ for hash_, _ in hashed], np.uint64)
    fixed = build_payloads(members, hashes, bits=1, first_shard=0, shard_count=2)
    assert fixed == build(hashed, 1)


@pytest.mark.parametrize("count", [0, 1, 126, 127, 128, 300, 5_000, 70_000])
def test_build_payloads__small_and_large_shards__restore_whole(
    client: redis.Redis, count: int
) -> None:
    members = pack_keys(pa.array([f"{number:032x}" for number in range(count)], pa.string()))
    hashes = hash_members(members)
    order = np.argsort(hashes)
    built = build_payloads(members.take(order), hashes[order], bits=0, first_shard=0, shard_count=1)
    client.restore("shard", 0, built[0], replace=True)
    assert client.smembers("shard") == {SENTINEL, *members.to_pylist()}
    assert client.scard("shard") == count + 1
    if count < 128:
        assert client.object("ENCODING", "shard") == b"listpack"


def test_build_payloads__empty_shards_among_full__hold_the_sentinel_alone(
    client: redis.Redis,
) -> None:
    built = build([(5 << 60, b"five"), (5 << 60, b"more"), (9 << 60, b"nine")], 4, 3, 8)
    assert [len(read_payload(payload)) for payload in built] == [0, 0, 2, 0, 0, 0, 1, 0]
    for number, payload in enumerate(built):
        client.restore("shard", 0, payload, replace=True)
        expected = {2: {b"five", b"more"}, 6: {b"nine"}}.get(number, set())
        assert client.smembers("shard") == {SENTINEL} | expected
        assert client.object("ENCODING", "shard") == b"listpack"


@pytest.mark.parametrize(
    ("hashed", "match"),
    [
        ([(1, b"a"), (1, b"a")], "repeated"),
        ([(1, b"b"), (1, b"a")], "out of order"),
        ([(2, b"a"), (1, b"b")], "out of order"),
        ([(1, b"a"), (2**63, b"b")], "outside"),
        ([(1, SENTINEL)], "sentinel"),
        ([(1, SENTINEL), (2, b"ab")], "sentinel"),
        ([(1, b"a" * 4_096)], "4096 bytes"),
    ],
)
def test_build_payloads__no_set_of_the_range__is_refused(hashed: _Hashed, match: str) -> None:
    with pytest.raises(ShardInvalid, match=match):
        build(hashed, 1, 0, 1)


@pytest.mark.parametrize("at", [0, 1, 3, 8, 12, -11, -9, -1])
def test_read_payload__changed_byte__is_refused(at: int) -> None:
    payload = bytearray(build([(1, b"a"), (2, b"b" * 70)], 0)[0])
    payload[at] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        read_payload(bytes(payload))


def test_read_payload__set_without_the_sentinel__is_refused() -> None:
    content = build([(1, b"a")], 0)[0][:-8].replace(b"\x81\x00\x02", b"\x81b\x02")
    forged = content + Model("CRC64-REDIS").calc(content).to_bytes(8, "little")
    with pytest.raises(ValueError, match="sentinel"):
        read_payload(forged)


def test_build_payloads__hashes_for_other_rows__is_refused() -> None:
    hashes: Hashes = np.zeros(1, np.uint64)
    with pytest.raises(ShardInvalid, match="2 members"):
        build_payloads(pa.array([b"a", b"b"]), hashes, bits=0, first_shard=0, shard_count=1)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(0, 6), st.data())
def test_shard_slices__any_hashes__cut_where_the_high_bits_change(
    hashes: list[int], bits: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, 2**bits - 1))
    count = data.draw(st.integers(1, 2**bits - first))
    ordered = sorted(hashes)
    slices = shard_slices(
        np.array(ordered, np.uint64), bits=bits, first_shard=first, shard_count=count
    ).tolist()
    for number in range(count):
        rows = ordered[slices[number] : slices[number + 1]]
        assert rows == [h for h in ordered if shard_index(h, bits) == first + number]


@pytest.mark.parametrize(("first", "count"), [(-1, 1), (0, 0), (0, 5), (4, 1)])
def test_shard_slices__shards_that_do_not_exist__are_refused(first: int, count: int) -> None:
    with pytest.raises(ShardInvalid):
        shard_slices(np.zeros(0, np.uint64), bits=2, first_shard=first, shard_count=count)
