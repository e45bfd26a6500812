"""Adds up what lists take and how much memory servers use, for the survey of upkeep."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from worker.batches import batches
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.lists import Revision, is_restorable
from worker.store.monitoring import ListFigures, MemoryFigures
from worker.store.server import driver_errors, memory_of, server_clients
from worker.store.store import Store
from worker.store.workflows.reclaiming import lists_to_reclaim

_LISTS_PER_CALL: Final = 200
#: Fields of a revision that is not live and not freed yet.
_BACKLOG: Final = ("retired:", "reclaim:")


def survey_lists(store: Store, envs: Iterable[EnvironmentRef]) -> ListFigures:
    """Add up all lists.

    Cost: a command for each list, 200 a round trip, and one more for each that may have
    something to free; three round trips for each environment.
    """
    lists = members = shards = revisions = 0
    kept: list[Revision] = []
    backlog: list[Revision] = []
    for env in envs:
        for live, count in _live(store, _current_lists(store, env)):
            lists, members, revisions = lists + 1, members + count, revisions + 1
            shards += _shards(live)
        for fields in _records(store, lists_to_reclaim(store, env)):
            revisions += "target" in fields
            for text in [text for name, text in fields.items() if name.startswith(_BACKLOG)]:
                # A replaced revision has more words.
                revision = Revision.parse(" ".join(text.split(" ")[:3]))
                (kept if is_restorable(text) else backlog).append(revision)
    return ListFigures(
        lists,
        members,
        shards,
        revisions + len(backlog) + len(kept),
        len(backlog),
        sum(map(_shards, backlog)),
        len(kept),
        sum(map(_shards, kept)),
    )


def survey_memory(store: Store) -> MemoryFigures | None:
    """Add up the memory of the store's servers; ``None`` if its user may not ask.

    Cost: a round trip for each server.
    """
    servers = [memory_of(client) for client in server_clients(store.client)]
    known = [server for server in servers if server is not None]
    if len(known) < len(servers):
        return None
    limits = [server.limit_bytes for server in known]
    return MemoryFigures(
        used_bytes=sum(server.used_bytes for server in known),
        limit_bytes=sum(limits) if all(limits) else 0,
        fullest_share=max(
            (server.used_bytes / server.limit_bytes for server in known if server.limit_bytes),
            default=0.0,
        ),
    )


def _current_lists(store: Store, env: EnvironmentRef) -> list[ListRef]:
    """The lists of the segments there are; a standard segment has no record of one."""
    with driver_errors(f"list the segments of {env.environment}"):
        segments = set(store.client.hkeys(store.keyspace.segments(env)))
        generations = store.client.hgetall(store.keyspace.generations(env))
    return [
        ListRef(env.project, env.environment, segment.decode(), int(generation))
        for segment, generation in generations.items()
        if segment in segments
    ]


def _live(store: Store, refs: Sequence[ListRef]) -> Iterator[tuple[Revision, int]]:
    """The live revision of each list that has a record, and its members."""
    fields = ["live", "included", "excluded"]
    for live, included, excluded in _replies(
        store, refs, lambda pipeline, key: pipeline.hmget(key, fields)
    ):
        if live is not None:
            yield Revision.parse(live), int(included or 0) + int(excluded or 0)


def _records(store: Store, refs: Sequence[ListRef]) -> Iterator[dict[str, str]]:
    for fields in _replies(store, refs, lambda pipeline, key: pipeline.hgetall(key)):
        yield {name.decode(): text.decode() for name, text in fields.items()}


def _replies(
    store: Store, refs: Sequence[ListRef], queue: Callable[[Any, str], object]
) -> Iterator[Any]:
    """The reply to one command about each list's record, in order."""
    for group in batches(refs, _LISTS_PER_CALL):
        with driver_errors("read list records"):
            pipeline = store.client.pipeline(transaction=False)
            for ref in group:
                queue(pipeline, store.keyspace.list_record(ref))
            replies = pipeline.execute()
        yield from replies


def _shards(revision: Revision) -> int:
    return revision.shard_count("included") + revision.shard_count("excluded")
