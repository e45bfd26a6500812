"""Frees what is no longer read: replaced revisions, abandoned builds, deleted lists."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from worker.batches import batches
from worker.store.errors import SegmentNotFound
from worker.store.keyspace import EXCLUDED, INCLUDED, EnvironmentRef, ListRef, Side
from worker.store.lists import (
    NONE_KEPT,
    Retention,
    Revision,
    is_restorable,
    prune_schedules,
    replaced_ms_of,
)
from worker.store.server.connections import driver_errors
from worker.store.store import Store

#: Shards freed in one call: 0.15 to 0.25 ms of server time.
_SHARDS_PER_CALL: Final = 128
_LISTS_PER_CALL: Final = 200


def lists_to_reclaim(store: Store, env: EnvironmentRef) -> list[ListRef]:
    """List the lists of an environment that may have something to free."""
    with driver_errors(f"list what to reclaim in {env.environment}"):
        names = store.client.smembers(store.keyspace.reclaimable_lists(env))
    refs = []
    for name in sorted(name.decode() for name in names):
        segment, _, generation = name.rpartition(".g")
        refs.append(ListRef(env.project, env.environment, segment, int(generation)))
    return refs


def lists_to_tidy(store: Store, env: EnvironmentRef, keep: Retention) -> Iterator[ListRef]:
    """The lists of :func:`lists_to_reclaim`, without those that only keep what they may.

    Cost: a command for each list, 200 a round trip.
    """
    refs = lists_to_reclaim(store, env)
    for group in batches(refs, _LISTS_PER_CALL):
        with driver_errors("read list records"):
            pipeline = store.client.pipeline(transaction=False)
            for ref in group:
                pipeline.hgetall(store.keyspace.list_record(ref))
            replies = pipeline.execute()
        for ref, reply in zip(group, replies, strict=True):
            if not _is_settled(_decode(reply), keep, store.database.now_ms()):
                yield ref


def _is_settled(fields: dict[str, str], keep: Retention, now_ms: int) -> bool:
    """Whether there is nothing to free in a list now, but later."""
    replaced = [text for name, text in fields.items() if name.startswith("retired:")]
    waiting = "building" in fields or "prune" in fields
    if waiting or not replaced or any(name.startswith("reclaim:") for name in fields):
        return False
    return (
        len(replaced) <= keep.most
        and all(map(is_restorable, replaced))
        and min(map(replaced_ms_of, replaced)) + keep.age_ms > now_ms
    )


def reclaim_list(store: Store, ref: ListRef, keep: Retention = NONE_KEPT) -> int:
    """Free what a list no longer needs, in bounded steps. Safe to repeat and to interrupt.

    Cost: one round trip per 128 shards.

    Args:
        store: The store.
        ref: The list.
        keep: Which of its replaced revisions are kept, to be published again.

    Returns:
        Shards freed.
    """
    record = store.keyspace.list_record(ref)
    store.database.run(
        f"retire revisions of {ref.name}", "list/retire", [record], [keep.most, keep.age_ms]
    )
    fields = _fields(store, record)
    if "prune" in fields:
        with suppress(SegmentNotFound):  # deleted just now, and its schedules with it
            prune_schedules(store.database, ref)
    freed = 0
    for name, text in fields.items():
        if name.startswith("reclaim:"):
            freed += _reclaim_revision(store, ref, Revision.parse(text))
    fields = _fields(store, record)
    if not _unfinished(fields):
        if "deleted" in fields:
            store.rejected_files.expire_all(ref)
            _expire_exports(store, ref)
        _forget(store, ref, record)
    return freed


def _expire_exports(store: Store, ref: ListRef) -> None:
    """Have upkeep delete the files that were exported from a deleted list, but at destinations."""
    for overview in store.exports.overviews(ref):
        if overview.status == "complete":
            store.export_files.expire(overview.request.ref, 0)


def _reclaim_revision(store: Store, ref: ListRef, revision: Revision) -> int:
    freed = 0
    steps = list(_steps(revision))
    for number, (side, first, last) in enumerate(steps, 1):
        final = "1" if number == len(steps) else "0"
        freed += store.database.run(
            f"reclaim {revision.name} of {ref.name}",
            "list/reclaim",
            [store.keyspace.list_record(ref)],
            [revision.name, side, first, last, final],
        )
    return freed


def _steps(revision: Revision) -> Iterator[tuple[Side, int, int]]:
    for side in (INCLUDED, EXCLUDED):
        count = revision.shard_count(side)
        for first in range(0, count, _SHARDS_PER_CALL):
            yield side, first, min(first + _SHARDS_PER_CALL, count) - 1


def _forget(store: Store, ref: ListRef, record: str) -> None:
    """Stop watching a list, unless something to free has appeared meanwhile."""
    reclaimable = store.keyspace.reclaimable_lists(ref.env)
    with driver_errors(f"finish reclaiming {ref.name}"):
        store.client.srem(reclaimable, ref.name)
        fields = _fields(store, record)
        if _unfinished(fields):
            store.client.sadd(reclaimable, ref.name)
        elif "deleted" in fields:
            # The process that deleted the list may have died before it deleted the definition.
            store.segments.forget(ref)
            store.imports.forget(ref)
            store.exports.forget(ref)
            store.client.unlink(record)


def _fields(store: Store, record: str) -> dict[str, str]:
    with driver_errors("read a list record"):
        return _decode(store.client.hgetall(record))


def _decode(found: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.items()}


def _unfinished(fields: dict[str, str]) -> bool:
    waiting = "building" in fields or "prune" in fields
    return waiting or any(name.startswith(("reclaim:", "retired:")) for name in fields)
