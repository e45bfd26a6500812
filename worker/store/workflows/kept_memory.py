"""Frees revisions that are only kept when their memory is needed."""

from collections.abc import Callable, Iterator

from worker.store.keyspace import ListRef
from worker.store.lists import Retention
from worker.store.server import Node, node_address
from worker.store.store import Store
from worker.store.workflows.reclaiming import lists_to_reclaim, lists_to_tidy, reclaim_list


def free_kept_revisions(
    store: Store, near: ListRef, keep: Retention, has_room: Callable[[], bool]
) -> int:
    """Free kept revisions on a list's server, until there is room or none is left.

    Of each list the oldest goes first, and a second one only when all have lost one. A revision
    that readers or an export may still use stays.

    Cost: a command for each list that keeps something, and one round trip per 128 shards freed.

    Args:
        store: The store.
        near: The list.
        keep: How many are kept when there is room.
        has_room: Asked after each list that something was freed of.

    Returns:
        Shards freed.
    """
    node, freed = _node_of(store, near), 0
    for most in reversed(range(keep.most)):
        less = Retention(most, keep.age_ms)
        for ref in _lists_on(store, node, less):
            shards = reclaim_list(store, ref, less)
            freed += shards
            if shards and has_room():
                return freed
    return freed


def free_kept_on_full_servers(store: Store, keep: Retention, share: float) -> int:
    """Free kept revisions where more than this share of a server's memory is used or reserved.

    So neither edits nor the next import find the server full because of them.

    Cost: a round trip for each environment and two for each server, when there is room.

    Returns:
        Shards freed.
    """
    if not keep.most:
        return 0
    one_of_each: dict[Node, ListRef] = {}
    for env in store.environments.list_refs():
        for ref in lists_to_reclaim(store, env):
            one_of_each.setdefault(_node_of(store, ref), ref)
    return sum(_free_on_full(store, ref, keep, share) for ref in one_of_each.values())


def _free_on_full(store: Store, near: ListRef, keep: Retention, share: float) -> int:
    def has_room() -> bool:
        free = store.build_memory.free(None, near, 1 - share)
        return free is None or free >= 0

    return 0 if has_room() else free_kept_revisions(store, near, keep, has_room)


def _lists_on(store: Store, node: Node, keep: Retention) -> Iterator[ListRef]:
    for env in store.environments.list_refs():
        for ref in lists_to_tidy(store, env, keep):
            if _node_of(store, ref) == node:
                yield ref


def _node_of(store: Store, ref: ListRef) -> Node:
    return node_address(store.client, store.keyspace.list_record(ref))
