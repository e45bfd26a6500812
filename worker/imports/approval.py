"""Holding a built revision until somebody approves it.

Nothing works on an import while it waits: it has no lease, no message and no process. The
sweep replays edits onto it and ends the wait; see ``worker/upkeep/pending.py``.
"""

from typing import Any, Final

from worker.imports.errors import ImportStopped
from worker.imports.memory import keep_memory
from worker.imports.stage_run import StageRun, moments_with
from worker.store import ListUnknown
from worker.store.jobs.records import WAITING_STAGE
from worker.store.jobs.reservations import release_memory
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Expected, Revision
from worker.store.workflows.approval import hold_job

#: Memory of one edit in the journal, and of the member that it may add.
_BYTES_PER_EDIT: Final = 200
#: Shards counted between two signs of progress.
_SHARDS_PER_STEP: Final = 65_536


def wait_for_approval(run: StageRun, counted: dict[str, Any]) -> bool:
    """Hold a build that is counted, if it is to wait and nobody has approved it.

    Edits made until now are replayed first, so what is shown to who approves is true, and
    the journal is short from the start. Safe to repeat.

    Returns:
        Whether it waits; ``False`` when it is to be published now.

    Raises:
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted. Safe to retry.
        StoreUnavailable: no answer. Safe to retry.
    """
    store, request = run.context.store, run.request
    if not request.waits:
        return False
    included, excluded = counted["counts"]
    while True:
        held = store.builds.hold(
            request.list_ref,
            request.import_id,
            counts=(included, excluded),
            seal=counted["seal"],
        )
        if held is None:
            return False
        run.progress.add()
        if not held.more:
            break
    # What is written is in use now, and no longer only set aside.
    most_edits = run.context.settings.approval_journal_ops
    keep_memory(store, request.ref, most_edits * _BYTES_PER_EDIT)
    moments = moments_with(run.context, request.ref, WAITING_STAGE)
    if not hold_job(store, request.ref, run.unit.stage, moments, held.edited_included):
        _release_if_ended(run)
    return True


def _release_if_ended(run: StageRun) -> None:
    # It may have ended, and been tidied up, just before the memory was kept.
    store, ref = run.context.store, run.request.ref
    if store.jobs.get(ref).ended_ms is not None:
        release_memory(store.database, ref)


def still_holds(run: StageRun, counted: dict[str, Any] | None) -> dict[str, Any] | None:
    """Look whether a build that has waited is whole; days may have passed since it was counted.

    Returns:
        ``counted``, or ``None`` when shards were lost and nothing had been replayed: the
        build is open then, and what is missing is to be written again.

    Raises:
        ImportStopped: shards were lost that edits had been replayed onto.
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer. Safe to retry.
    """
    store, ref = run.context.store, run.request.list_ref
    if counted is None or not run.request.waits:
        return counted
    if store.memberships.state(ref).unapproved:
        return counted
    expected = store.builds.expected_counts(ref)
    if expected is None:
        return counted
    while not _is_whole(run, expected):
        # An earlier try that is still alive may have replayed edits while we counted.
        before, expected = expected, store.builds.expected_counts(ref) or expected
        if before != expected:
            continue
        if not expected.untouched:
            message = "the store lost part of what was built while it waited; import the list again"
            raise ImportStopped(message)
        store.builds.unseal(ref, run.request.import_id)
        return None
    return counted


def _is_whole(run: StageRun, expected: Expected) -> bool:
    target = run.context.store.builds.target(run.request.list_ref, run.request.import_id)
    sides: tuple[tuple[Side, int], ...] = (
        (INCLUDED, expected.counts[0]),
        (EXCLUDED, expected.counts[1]),
    )
    return all(_count(run, target, side) == count for side, count in sides)


def _count(run: StageRun, target: Revision, side: Side) -> int | None:
    total, stop = 0, target.shard_count(side)
    for first in range(0, stop, _SHARDS_PER_STEP):
        last = min(first + _SHARDS_PER_STEP, stop)
        try:
            total += run.context.store.builds.count(run.request.list_ref, target, side, first, last)
        except ListUnknown:
            return None
        run.progress.add()
    return total
