"""A list that one worker holds at once: gathered by the unit that reads it, without a spill."""

from collections.abc import Sequence

from worker.imports.gather import Range, gather
from worker.imports.members import Members, distinct
from worker.imports.size import fix_size, wrongly_started
from worker.imports.stages import ChunkResult, Plan, StageRun


def gather_small(
    run: StageRun, plan: Plan, chunks: Sequence[ChunkResult], members: Members
) -> None:
    """Size and gather the members of one chunk, or rebuild a list from its base alone.

    It is published like any other. When the store loses shards of it, the chunk is read again.
    """
    # One chunk has no other that it could contradict; this stops a row that is too long.
    wrongly_started(plan, chunks)
    run.note_entered("gather")
    members = distinct(members)
    share = len(members) / max(1, sum(chunk.valid for chunk in chunks))
    claim = run.claim()
    target = fix_size(run, claim, chunks, share)
    run.open_publish(chunks, gather(run, claim, target, Range(0, 1), members))
