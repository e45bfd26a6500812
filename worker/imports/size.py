"""Size: checks that the chunks fit together and decides how large the new revision is."""

from collections.abc import Sequence
from typing import Final

from worker.imports.errors import ImportStopped
from worker.imports.gather import Range, load_spills
from worker.imports.guards import find_row_objection, find_size_objection, object_to, stops
from worker.imports.sorted_members import distinct
from worker.imports.stage_results import STARTS, ChunkResult, Plan, StageRun
from worker.lists.csv.chunks import CsvState
from worker.store.jobs import ImportRequest
from worker.store.lists import FIRST_BITS, Claim, Revision, bits_for, shards_bytes
from worker.store.workflows import free_kept_revisions, reclaim_list

#: Rows a worker may gather together; a range is a few of the spills' ranges.
_ROWS_PER_RANGE: Final = 1_000_000
#: Packed bytes of a base member, an estimate: none has been measured yet.
_BASE_MEMBER_BYTES: Final = 24
#: Share of the server's memory limit that is kept free: buffers, copies on write, edits.
_HEADROOM: Final = 0.05


def size_import(run: StageRun) -> None:
    """Reopen chunks that were read wrongly, or fix the size and open the gather stage."""
    plan = run.plan()
    chunks = run.chunk_results(plan)
    wrong = find_wrong_starts(plan, chunks)
    if wrong:
        run.services.store.jobs.write(run.request.ref, STARTS, wrong)
        run.reopen("scatter", len(plan.chunks), sorted(wrong))
        return
    claim = run.claim()
    target = fix_size(run, claim, chunks, _estimate_distinct_share(run, chunks))
    run.open_gather(_choose_range_count(plan, chunks, claim, target))


def find_wrong_starts(plan: Plan, chunks: Sequence[ChunkResult]) -> dict[int, str]:
    """Find the chunks that were read from the wrong state of the parser.

    Every chunk but a file's first was read as if a row began at its first line. That is
    wrong where the chunk before ends within quotes; such chunks are read again. Only the
    first wrong one of a file is certain, so one is returned for each file.

    Returns:
        Numbers of the chunks, and the states to read them from.

    Raises:
        ImportStopped: a row is too long, in a chunk that was read from the right state.
    """
    wrong: dict[int, str] = {}
    state, broken = CsvState.ROW.value, False
    for number, (chunk, result) in enumerate(zip(plan.chunks, chunks, strict=True)):
        if number == 0 or plan.chunks[number - 1].source != chunk.source:
            state, broken = CsvState.ROW.value, False
        if broken:
            continue
        if result.start != state:
            wrong[number] = state
            broken = True
            continue
        if result.fault_at is not None:
            message = (
                f"the row that begins at byte {result.fault_at} of "
                f"{plan.sources[chunk.source].key} is over 1 MiB: is a quote left open?"
            )
            raise ImportStopped(message)
        state = result.end
    return wrong


def fix_size(
    run: StageRun, claim: Claim, chunks: Sequence[ChunkResult], distinct_share: float
) -> Revision:
    """Fix the shard counts and reserve the memory. Nothing has been written before.

    Args:
        run: The import.
        claim: Its claim.
        chunks: Results of all chunks.
        distinct_share: Estimated share of the valid rows that are distinct.

    Raises:
        ImportStopped: a guard stops it, or the revision would not fit.
        Fenced: the import no longer holds the list.
    """
    request = run.request
    valid = sum(chunk.valid for chunk in chunks)
    _check_contents(run, claim, chunks, valid)
    kept = _count_kept(request, claim)
    packed = sum(chunk.packed_bytes for chunk in chunks) * distinct_share
    members = round(valid * distinct_share) + kept
    bits = bits_for(members)
    if claim.base.included_bits and request.mode != "replace":
        # Edits may still fill the base, so a list that keeps it is not treated as empty.
        bits = max(bits, FIRST_BITS)
    packed_bytes = round(packed) + kept * _BASE_MEMBER_BYTES
    shards = 1 << bits if bits else 1
    _reserve_memory(run, shards_bytes(shards, members, packed_bytes))
    return run.services.store.builds.prepare(
        request.list_ref, request.import_id, bits, bits_for(claim.excluded_count)
    )


def _check_contents(run: StageRun, claim: Claim, chunks: Sequence[ChunkResult], valid: int) -> None:
    """Stop at once what a guard stops; what waits for an approval is built first.

    All is checked again once it is built, when the figures are exact.
    """
    settings, request, before = run.services.settings, run.request, claim.included_count
    found = find_row_objection(settings, request, chunks, before=before)
    if found is None and valid:
        found = find_size_objection(
            settings, request, before=before, removed=max(0, before - valid), added=0
        )
    if found is not None and stops(request, found, accepted=valid):
        object_to(run, found, accepted=valid)


def _count_kept(request: ImportRequest, claim: Claim) -> int:
    """How many members of the base are kept, with room for later edits."""
    match request.mode:
        case "replace":
            return 0
        case "reshard":
            # The list grows by edits; without room to grow it would be rebuilt at once again.
            return claim.included_count * 3 // 2
        case _:
            return claim.included_count


def _reserve_memory(run: StageRun, needed: int) -> None:
    """Reserve memory for one build, beside the reservations of others.

    Kept revisions give way to it, but not to a dry run. On a server without a memory limit
    nothing is reserved or refused.
    """
    memory, ref = run.services.store.build_memory, run.request.ref
    free = memory.free(ref, run.request.list_ref, _HEADROOM)
    if free is None:
        return
    if needed > free and not run.request.dry_run:
        free = _make_room(run, needed)
    if needed > free:
        message = (
            f"the store has {max(0, free) >> 20} MiB left and the new revision needs about "
            f"{(needed >> 20) + 1} MiB; free memory or raise maxmemory, then import again"
        )
        raise ImportStopped(message)
    memory.reserve(ref, needed)


def _make_room(run: StageRun, needed: int) -> int:
    """Free what is only kept, until a build fits; returns the bytes that are free then."""
    store, list_ref, keep = run.services.store, run.request.list_ref, run.services.retention

    def free() -> int:
        run.progress.add()
        return store.build_memory.free(run.request.ref, list_ref, _HEADROOM) or 0

    # The build of an import that this one superseded may not be freed yet.
    reclaim_list(store, list_ref, keep)
    if needed > free():
        free_kept_revisions(store, list_ref, keep, lambda: needed <= free())
    return free()


def _estimate_distinct_share(run: StageRun, chunks: Sequence[ChunkResult]) -> float:
    """The share of distinct members in the first range of all spills."""
    count = max(chunk.spill.index.range_count for chunk in chunks if chunk.spill)
    members = load_spills(run.spills, chunks, Range(0, count))
    return len(distinct(members)) / len(members) if len(members) else 1.0


def _choose_range_count(
    plan: Plan, chunks: Sequence[ChunkResult], claim: Claim, target: Revision
) -> int:
    """As few ranges as rows and bytes allow, each of whole shards and whole spill ranges."""
    rows = sum(chunk.valid for chunk in chunks) + claim.included_count
    most = 1 << min(plan.range_bits, target.included_bits)
    needed = -(-rows // _ROWS_PER_RANGE)
    wanted: int = 1 << max(0, needed - 1).bit_length()
    return min(most, max(most // 4, wanted))
