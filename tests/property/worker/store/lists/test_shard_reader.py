"""Shards read as columns hold what SMEMBERS gives, however they came to hold it."""

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.servers.redis import Cluster, Server
from tests.support.store.stores import new_list, opened, raw
from worker.byte_columns import as_list
from worker.store import ListRef, ListUnknown, Store, StoreRefused
from worker.store.keyspace import INCLUDED
from worker.store.lists import Revision, read_shards
from worker.store.members import SENTINEL

_MEMBERS = (
    st.integers(-(2**63), 2**63 - 1).map(lambda number: str(number).encode())
    | st.binary(min_size=16, max_size=16).map(lambda raw: b"\xf8" + raw)
    | st.binary(max_size=100)
    | st.sampled_from([b"", b"-0", b"007", b"\r\n$1\r\n\x00\r\n"])
).filter(lambda member: member != SENTINEL)
_EDITS = st.lists(
    st.tuples(st.integers(0, 15), st.booleans(), st.lists(_MEMBERS, min_size=1, max_size=5)),
    max_size=20,
)


@pytest.fixture(params=["redis8_server", "valkey_server", "cluster_servers"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    server: Server | Cluster = request.getfixturevalue(request.param)
    with opened(server) as store:
        yield store


@pytest.fixture
def ref(store: Store) -> ListRef:
    return new_list(store)


def shard_names(store: Store, ref: ListRef, live: Revision) -> list[str]:
    return [
        store.keyspace.shard(ref, live.name, INCLUDED, n) for n in range(live.shard_count(INCLUDED))
    ]


def revision_of(store: Store, ref: ListRef, bits: int) -> Revision:
    """A revision of empty shards, apart from the list's own."""
    revision = Revision("apart", bits, 0)
    for names in _batches(shard_names(store, ref, revision)):
        pipeline = raw(store).pipeline(transaction=False)
        for name in names:
            pipeline.delete(name)
            pipeline.sadd(name, SENTINEL)
        pipeline.execute()
    return revision


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + 1_000] for at in range(0, len(names), 1_000))


def read(store: Store, ref: ListRef, revision: Revision, first: int, stop: int) -> list[bytes]:
    columns = list(read_shards(store.database, ref, revision, INCLUDED, first, stop))
    assert all(map(len, columns))
    return [member for column in columns for member in as_list(column)]


def held(store: Store, names: Sequence[str]) -> list[bytes]:
    """The same by the driver."""
    return [member for name in names for member in raw(store).smembers(name) - {SENTINEL}]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_EDITS)
def test_read_shards__any_edits__are_what_smembers_gives(
    store: Store, ref: ListRef, edits: list[tuple[int, bool, list[bytes]]]
) -> None:
    revision = revision_of(store, ref, 4)
    names = shard_names(store, ref, revision)
    for index, added, members in edits:
        change = raw(store).sadd if added else raw(store).srem
        change(names[index], *members)

    for first, stop in ((0, 16), (3, 7), (5, 5)):
        found = read(store, ref, revision, first, stop)
        assert sorted(found) == sorted(held(store, names[first:stop]))


def test_read_shards__more_than_are_asked_for_at_once__come_in_order(
    store: Store, ref: ListRef
) -> None:
    revision = revision_of(store, ref, 10)
    source, expected = random.Random(2), list[bytes]()
    pipeline = raw(store).pipeline(transaction=False)
    for number, name in enumerate(shard_names(store, ref, revision)):
        # One list of one width but for a few, one shard long past any buffer.
        count = 70_000 if number == 700 else number % 150
        members = [number.to_bytes(3) + source.randbytes(14) for _ in range(count)]
        members += [b"an odd one of %d" % number] * (number % 100 == 0)
        expected += members
        for at in range(0, len(members), 1_000):
            pipeline.sadd(name, *members[at : at + 1_000])
    pipeline.execute()

    columns = list(read_shards(store.database, ref, revision, INCLUDED, 0, 1_024))

    assert min(map(len, columns[:-1])) >= 65_536
    found = [member for column in columns for member in as_list(column)]
    assert sorted(found) == sorted(expected)
    numbers = [int.from_bytes(m[:3]) for m in found if not m.startswith(b"an odd")]
    assert numbers == sorted(numbers)


def test_read_shards__one_missing__is_unknown(store: Store, ref: ListRef) -> None:
    revision = revision_of(store, ref, 4)
    names = shard_names(store, ref, revision)
    for name in (names[0], names[9], names[15]):
        raw(store).delete(name)
        with pytest.raises(ListUnknown, match=r"s\.g1 apart is missing"):
            read(store, ref, revision, 0, 16)
        raw(store).sadd(name, "not the sentinel")
        with pytest.raises(ListUnknown, match="is missing"):
            read(store, ref, revision, 0, 16)
        raw(store).sadd(name, SENTINEL)
    assert read(store, ref, revision, 0, 16) == [b"not the sentinel"] * 3


def test_read_shards__no_set_among_them__is_refused_in_the_servers_words(
    store: Store, ref: ListRef
) -> None:
    revision = revision_of(store, ref, 8)
    raw(store).set(shard_names(store, ref, revision)[200], "no set", px=60_000)
    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        read(store, ref, revision, 0, 256)
    assert read(store, ref, revision, 0, 200) == []


def test_read_shards__left_early__leaves_no_reply_to_the_next_user(
    store: Store, ref: ListRef
) -> None:
    revision = revision_of(store, ref, 10)
    for name in shard_names(store, ref, revision):
        raw(store).sadd(name, *(f"{n}" * 20 for n in range(100)))
    reading = read_shards(store.database, ref, revision, INCLUDED, 0, 1_024)
    assert len(next(reading)) >= 65_536
    reading.close()
    for _ in range(10):
        assert store.memberships.state(ref).live.included_bits == 0
