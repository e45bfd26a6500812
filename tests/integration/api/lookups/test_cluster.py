"""Look-ups over a cluster: each list's own primary is asked, also after its slot has moved."""

from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from tests.support.servers.redis import Cluster
from tests.support.servers.slots import move_slot, node_of, other_node
from tests.support.store.stores import opened
from tests.support.systems.lookups import LookupThread, running_lookups
from worker.store import Edit, EnvironmentRef, ListRef, NewSegment, Store

_SCOPE = EnvironmentRef("default", "production")


@pytest.fixture
def store(cluster_servers: Cluster) -> Iterator[Store]:
    with opened(cluster_servers) as store:
        store.environments.initialise()
        yield store


@pytest.fixture
def lookups(cluster_servers: Cluster, store: Store) -> Iterator[LookupThread]:
    with running_lookups(cluster_servers.url, store) as lookups:
        yield lookups


def _new_list(store: Store, key: str) -> ListRef:
    ref = store.segments.create(_SCOPE, NewSegment(key, key, unbounded=True)).ref
    store.memberships.edit(ref, [Edit("i+", f"in-{key}"), Edit("e+", "out")])
    return ref


def test_lookups__lists_on_every_node__are_all_answered(
    store: Store, lookups: LookupThread
) -> None:
    names = [f"s{n}" for n in range(12)]
    slots = {
        key_slot(store.keyspace.list_record(_new_list(store, name)).encode()) for name in names
    }
    assert len({slot * 3 // 16_384 for slot in slots}) == 3, "the lists are on three nodes"

    for name in names:
        place = ("default", "production", name)
        assert lookups.see_all([f"in-{name}", "out", "no"], place) == [
            (True, False),
            (False, True),
            (False, False),
        ]


def test_lookups__slot_moved_to_another_node__are_answered_there(
    cluster_servers: Cluster, store: Store, lookups: LookupThread
) -> None:
    ref = _new_list(store, "moving")
    place = ("default", "production", "moving")
    record = store.keyspace.list_record(ref)
    source = node_of(cluster_servers, record)
    target = other_node(cluster_servers, source)
    assert lookups.see_all(["in-moving"], place) == [(True, False)]

    move_slot(cluster_servers, record, source, target)

    assert lookups.see_all(["in-moving", "out"], place) == [(True, False), (False, True)]
    move_slot(cluster_servers, record, target, source)
    assert lookups.see_all(["in-moving", "out"], place) == [(True, False), (False, True)]
