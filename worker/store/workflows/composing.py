"""The source lists of a composition: pinned at one moment, kept while it is built, given up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from worker.store.errors import ListUnknown, SegmentNotFound, SnapshotLost
from worker.store.jobs.compositions import PinnedList
from worker.store.jobs.records import ImportRequest
from worker.store.keyspace import ListRef, Side
from worker.store.lists import release_snapshot, take_snapshot
from worker.store.store import Store
from worker.store.workflows.claims import is_list_deleted

#: A source is kept this long after a sign of life of its composition: longer than it may wait for
#: a worker that does something else.
_KEPT_MS: Final = 2 * 3_600 * 1_000


def pin_sources(
    store: Store, import_id: str, refs: Sequence[ListRef], side: Side
) -> tuple[PinnedList, ...]:
    """Pin lists for an import, each as it is now. Cost: one round trip a list.

    What was pinned is given up again if one of them cannot be.

    Raises:
        SegmentNotFound: a list was deleted.
        ListUnknown: the server has lost one.
    """
    pinned: list[PinnedList] = []
    try:
        for ref in refs:
            taken = take_snapshot(store.database, ref, import_id, _KEPT_MS)
            revision = taken.revision
            text = f"{revision.name} {revision.included_bits} {revision.excluded_bits}"
            pinned.append(
                PinnedList(ref, side, text, taken.since, taken.taken_ms, taken.count(side))
            )
    except (SegmentNotFound, ListUnknown):
        release_sources(store, import_id, pinned)
        raise
    return tuple(pinned)


def keep_sources(store: Store, request: ImportRequest) -> None:
    """Keep the sources of a composition pinned. Cost: one round trip a list.

    Raises:
        SnapshotLost: one was deleted, or was not kept; the message names it.
        ListUnknown: the server has lost one.
    """
    if request.composition is None:
        return
    for source in request.composition.sources:
        with naming_deleted(store, source):
            taken = take_snapshot(store.database, source.ref, request.import_id, _KEPT_MS)
        if taken.since != source.since:
            message = (
                f"segment {source.ref.segment} is not kept any more as it was when it was pinned; "
                "compose again"
            )
            raise SnapshotLost(message)


@contextmanager
def naming_deleted(store: Store, source: PinnedList) -> Iterator[None]:
    """Say of a source that cannot be read any more that it was deleted, if it was.

    Raises:
        SnapshotLost: it was; the message names it.
    """
    try:
        yield
    except (SegmentNotFound, ListUnknown, SnapshotLost) as exc:
        if not is_list_deleted(store, source.ref):
            raise
        segment = source.ref.segment
        message = f"segment {segment}, of which it is made, was deleted meanwhile"
        raise SnapshotLost(message) from exc


def release_sources(store: Store, import_id: str, sources: Sequence[PinnedList]) -> None:
    """Give up pinned lists; idempotent. Cost: one round trip a list."""
    for source in sources:
        release_snapshot(store.database, source.ref, import_id)
