"""Holding a built revision until somebody approves it.

Nothing works on an import while it waits: it has no lease, no message and no process. The
sweep replays edits onto it and ends the wait; see ``worker/upkeep/pending.py``.
"""

from typing import Final

from worker.imports.errors import ImportStopped
from worker.imports.stages import SIDES, StageRun
from worker.store import ListUnknown
from worker.store.jobs.stage_state import BuildCount
from worker.store.keyspace import Side
from worker.store.lists.revisions import Revision
from worker.store.workflows.approval import Expected, expected_counts, hold

#: Memory of one edit in the journal, and of the member that it may add.
_BYTES_PER_EDIT: Final = 200
#: Shards counted between two signs of progress.
_SHARDS_PER_STEP: Final = 65_536


def wait_for_approval(run: StageRun, counted: BuildCount) -> bool:
    """Hold a build that is counted, if it is to wait and nobody has approved it.

    Edits made until now are replayed first, so whoever approves sees true figures, and
    the journal is short from the start. Safe to repeat.

    Returns:
        Whether it waits; ``False`` when it is to be published now.

    Raises:
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted.
        StoreUnavailable: no answer.
    """
    store, request = run.services.store, run.request
    if not request.waits:
        return False
    while True:
        held = hold(
            store,
            request.list_ref,
            request.import_id,
            counts=counted.counts,
            seal=counted.seal,
        )
        if held is None:
            return False
        run.progress.add()
        if not held.more:
            break
    # What is written is in use now, and no longer only set aside.
    most_edits = run.services.settings.approval_journal_ops
    store.jobs.limit_memory(request.ref, most_edits * _BYTES_PER_EDIT)
    held_now = store.jobs.hold(request.ref, run.unit.stage, held.edited_included)
    if not held_now and store.jobs.get(request.ref).ended_ms is not None:
        # It may have been tidied up just before the memory was set aside.
        store.jobs.release_memory(request.ref)
    return True


def recheck(run: StageRun, counted: BuildCount | None) -> BuildCount | None:
    """Check whether a build that has waited is whole; days may have passed since it was counted.

    Returns:
        ``counted``, or ``None`` when shards were lost and nothing had been replayed: the
        build is open then, and what is missing is to be written again.

    Raises:
        ImportStopped: shards were lost that edits had been replayed onto.
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer.
    """
    store, ref = run.services.store, run.request.list_ref
    if counted is None or not run.request.waits or store.memberships.state(ref).unapproved:
        return counted
    expected = expected_counts(store, ref)
    if expected is None:
        return counted
    while not _is_whole(run, expected):
        # An earlier try that is still alive may have replayed edits while we counted.
        before, expected = expected, expected_counts(store, ref) or expected
        if before != expected:
            continue
        if not expected.untouched:
            message = "the store lost part of what was built while it waited; import the list again"
            raise ImportStopped(message)
        store.memberships.unseal(ref, run.request.import_id)
        return None
    return counted


def _is_whole(run: StageRun, expected: Expected) -> bool:
    target = run.target()
    return all(
        _count(run, target, side) == count
        for side, count in zip(SIDES, expected.counts, strict=True)
    )


def _count(run: StageRun, target: Revision, side: Side) -> int | None:
    total, stop = 0, target.shard_count(side)
    for first in range(0, stop, _SHARDS_PER_STEP):
        last = min(first + _SHARDS_PER_STEP, stop)
        try:
            total += run.services.store.memberships.count(
                run.request.list_ref, target, side, first, last
            )
        except ListUnknown:
            return None
        run.progress.add()
    return total
