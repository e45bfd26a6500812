"""Two revisions are compared to the last key, whatever their shards are."""

import pytest

from tests.support.servers.redis import Cluster, Server
from tests.support.store.building import replace
from tests.support.store.stores import new_list, opened, raw
from worker.byte_columns import as_list
from worker.store import Edit, ListRef, ListUnknown, Store
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import Revision, differences, read_whole

_OLD = {f"key-{n}" for n in range(4_000)} | {"\x00odd", "0f8fad5b-d9cb-469f-a165-70867728950e"}
_NEW = {f"key-{n}" for n in range(2, 4_100)} | {"日本", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
_BITS = [(4, 4), (4, 9), (9, 4)]


def _compared(store: Store, ref: ListRef, old: Revision, new: Revision) -> tuple[set[str], ...]:
    added: list[bytes] = []
    removed: list[bytes] = []
    for step in differences(store.database, ref, old, new):
        if step.side == INCLUDED:
            added += as_list(step.added)
            removed += as_list(step.removed)
        else:
            assert not len(step)
    found = [{key.decode() for key in keys} for keys in (added, removed)]
    assert [len(keys) for keys in found] == [len(added), len(removed)]
    return tuple(found)


@pytest.mark.parametrize("bits", _BITS, ids=lambda bits: f"{bits[0]}-{bits[1]}")
def test_differences__any_numbers_of_shards__are_those_of_the_sets(
    valkey_server: Server, bits: tuple[int, int]
) -> None:
    with opened(valkey_server) as store:
        _check(store, bits)


def test_differences__in_a_cluster__are_those_of_the_sets(cluster_servers: Cluster) -> None:
    with opened(cluster_servers) as store:
        _check(store, (9, 4))


def _check(store: Store, bits: tuple[int, int]) -> None:
    ref = new_list(store)
    store.memberships.edit(ref, [Edit("e+", "x")])
    empty = store.memberships.state(ref).live
    replace(store, ref, "i1", _OLD, bits=bits[0])
    old = store.memberships.state(ref).live
    replace(store, ref, "i2", _NEW, bits=bits[1])
    new = store.memberships.state(ref).live
    assert _compared(store, ref, old, new) == (_NEW - _OLD, _OLD - _NEW)
    assert _compared(store, ref, empty, new) == (_NEW, set())
    assert _compared(store, ref, old, empty) == (set(), _OLD)
    assert _compared(store, ref, new, new) == (set(), set())
    whole = {side: set[bytes]() for side in (INCLUDED, EXCLUDED)}
    for step in read_whole(store.database, ref, new):
        whole[step.side] |= {*as_list(step.added)}
    assert whole == {INCLUDED: {key.encode() for key in _NEW}, EXCLUDED: {b"x"}}


def test_differences__shard_is_missing__are_refused(valkey_server: Server) -> None:
    with opened(valkey_server) as store:
        ref = new_list(store)
        replace(store, ref, "i1", _OLD)
        old = store.memberships.state(ref).live
        replace(store, ref, "i2", _NEW)
        raw(store).unlink(store.keyspace.shard(ref, old.name, INCLUDED, 7))
        with pytest.raises(ListUnknown):
            list(differences(store.database, ref, old, store.memberships.state(ref).live))
