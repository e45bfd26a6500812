"""Refusing an import that would not fit, before its first write."""

from typing import Final

from redis.exceptions import NoPermissionError

from worker.imports.errors import ImportStopped
from worker.store import ListRef, Store
from worker.store.jobs.records import JobRef
from worker.store.server import driver_errors, node_client
from worker.store.workflows.reclaiming import reclaim_list

#: A key, its set object and its entry in the server's table.
_BYTES_PER_SHARD: Final = 160
#: Header and back-length of one member in its shard.
_BYTES_PER_MEMBER: Final = 3
#: Share of the memory limit that is left alone: buffers, copies on write, edits.
_HEADROOM: Final = 0.05


def needed_bytes(member_count: int, packed_bytes: int, shard_count: int) -> int:
    """Estimate the memory of a revision that is to be built."""
    return packed_bytes + member_count * _BYTES_PER_MEMBER + shard_count * _BYTES_PER_SHARD


def reserve_memory(store: Store, ref: JobRef, list_ref: ListRef, needed: int) -> None:
    """Set memory aside for one build, counting what other builds have set aside.

    A server without a memory limit takes everything; then nothing is refused.

    Raises:
        ImportStopped: it would not fit.
        StoreUnavailable: no answer. Safe to retry.
    """
    free = _free_bytes(store, ref, list_ref)
    if free is not None and needed > free:
        # What an import that gave way to this one has built may not be freed yet.
        reclaim_list(store, list_ref)
        free = _free_bytes(store, ref, list_ref)
    if free is None:
        return
    if needed > free:
        message = (
            f"the store has {max(0, free) >> 20} MiB left and the new revision needs about "
            f"{(needed >> 20) + 1} MiB; free memory or raise maxmemory, then import again"
        )
        raise ImportStopped(message)
    with driver_errors(f"reserve memory for {ref}"):
        store.client.hset(store.keyspace.reservations(), str(ref), needed)


def _free_bytes(store: Store, ref: JobRef, list_ref: ListRef) -> int | None:
    """What nobody uses or has set aside; ``None`` when the server has no limit, or tells none."""
    node = node_client(store.client, store.keyspace.list_record(list_ref))
    with driver_errors(f"ask for memory for {ref}"):
        try:
            info = node.info("memory")
        except NoPermissionError:  # told once, at the start
            return None
        limit, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
        if limit == 0:
            return None
        reserved = store.client.hgetall(store.keyspace.reservations())
    others = sum(int(size) for name, size in reserved.items() if name.decode() != str(ref))
    return int(limit * (1 - _HEADROOM)) - used - others


def keep_memory(store: Store, ref: JobRef, most: int) -> None:
    """Set aside no more than ``most`` bytes for a build that is written and counted.

    Its members are in use now; what is left is the room that edits may still take.
    """
    key, name = store.keyspace.reservations(), str(ref)
    with driver_errors(f"reserve memory for {ref}"):
        if int(store.client.hget(key, name) or 0) > most:
            store.client.hset(key, name, most)
