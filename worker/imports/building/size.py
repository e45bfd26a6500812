"""Size: checks that the chunks fit together and decides how large the new revision is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.imports.building.gather import Range, load_spills
from worker.imports.building.revision_members import read_members
from worker.imports.errors import ImportStopped, row_too_long
from worker.imports.guarding.guards import find_row_findings, find_size_findings, object_to, stops
from worker.imports.planning.file_table import FileTable, tabulate
from worker.imports.rejected_rows import write_rejected_rows
from worker.imports.stage_results import SIDES, STARTS, ChunkResult, Plan
from worker.imports.stage_run import StageRun
from worker.lists.csv.chunks import CsvState
from worker.store.jobs import ImportRequest
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import FIRST_BITS, Claim, Revision, bits_for, shards_bytes
from worker.store.members import Members, distinct, subtract
from worker.store.workflows import free_kept_revisions, reclaim_list

#: Rows a worker may gather together; a range is a few of the spills' ranges.
_ROWS_PER_RANGE: Final = 1_000_000
#: Packed bytes of a base member, an estimate: none has been measured yet.
_BASE_MEMBER_BYTES: Final = 24
#: Shards of the base that are compared with a file to estimate how many members it removes: about
#: ten thousand members, for an error of one in a hundred.
_COMPARED_SHARDS: Final = 128
_HASHES: Final = 1 << 64
#: Share of the server's memory limit that is kept free: buffers, copies on write, edits.
_HEADROOM: Final = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """The members of the files whose hashes are below a bound."""

    members: Members
    """Distinct, in order of their hashes."""
    rows: int
    """Valid rows that held them."""
    stop: int = _HASHES
    """The bound, exclusive; as it is, all members are in the sample."""

    @property
    def distinct_share(self) -> float:
        """The share of the valid rows that are distinct."""
        return len(self.members) / self.rows if self.rows else 1.0


def size_import(run: StageRun) -> None:
    """Reopen chunks that were read wrongly, or fix the size and open the gather stage."""
    plan = run.plan()
    chunks = run.chunk_results(plan)
    wrong = find_wrong_starts(plan, chunks)
    if wrong:
        run.services.store.jobs.write(run.request.ref, STARTS, wrong)
        run.reopen("scatter", len(plan.chunks), sorted(wrong))
        return
    files = tabulate(run, plan, chunks)
    write_rejected_rows(run, chunks, files)
    claim = run.claim()
    target = fix_size(run, claim, chunks, _take_sample(run, chunks), files)
    run.open_gather(_choose_range_count(plan, chunks, claim, target, run.request.side))


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
            raise row_too_long(plan.sources[chunk.source].key, result.fault_at)
        state = result.end
    return wrong


def fix_size(
    run: StageRun,
    claim: Claim,
    chunks: Sequence[ChunkResult],
    sample: Sample,
    files: FileTable,
) -> Revision:
    """Fix the shard counts and reserve the memory. Nothing has been written before.

    Args:
        run: The import.
        claim: Its claim.
        chunks: Results of all chunks.
        sample: Members of the chunks, to estimate the others by.
        files: The files of the chunks.

    Raises:
        ImportStopped: a guard stops it, or the revision would not fit.
        Fenced: the import no longer holds the list.
    """
    valid = sum(chunk.valid for chunk in chunks)
    _check_contents(run, claim, chunks, valid, files)
    new = round(valid * sample.distinct_share)
    packed = round(sum(chunk.packed_bytes for chunk in chunks) * sample.distinct_share)
    return prepare_build(run, claim, sample, new=new, packed_bytes=packed)


def prepare_build(
    run: StageRun, claim: Claim, sample: Sample, *, new: int, packed_bytes: int
) -> Revision:
    """Fix the shard counts and reserve the memory, for members that may still be counted wrongly.

    Args:
        run: The import.
        claim: Its claim.
        sample: Some of the members.
        new: How many there are.
        packed_bytes: Of all of them.

    Raises:
        ImportStopped: the revision would not fit.
        Fenced: the import no longer holds the list.
    """
    request, side = run.request, run.request.side
    kept = _count_kept(run, claim, new, sample)
    if request.mode == "remove":
        new = packed_bytes = 0
    bits = {other: bits_for(claim.count(other)) for other in SIDES}
    bits[side] = _choose_bits(request, claim, new + kept)
    needed = sum(
        shards_bytes(1 << bits[other], claim.count(other), claim.count(other) * _BASE_MEMBER_BYTES)
        for other in SIDES
        if other != side
    )
    packed_bytes += kept * _BASE_MEMBER_BYTES
    _reserve_memory(run, needed + shards_bytes(1 << bits[side], new + kept, packed_bytes))
    return run.services.store.builds.prepare(
        request.list_ref, request.import_id, bits[INCLUDED], bits[EXCLUDED], side=side
    )


def _choose_bits(request: ImportRequest, claim: Claim, members: int) -> int:
    """The power of two of shards for the list that is changed, with this many members."""
    base, fitting = claim.base.bits(request.side), bits_for(members)
    if request.mode == "replace" or not base:
        return fitting
    if request.mode == "remove" and fitting <= base <= bits_for(2 * members):
        # With as many shards the server copies them; those that become a little empty may stay.
        return base
    # Edits may still fill the base, so a list that keeps it is not treated as empty.
    return max(fitting, FIRST_BITS)


def _check_contents(
    run: StageRun, claim: Claim, chunks: Sequence[ChunkResult], valid: int, files: FileTable
) -> None:
    """Stop at once what a guard stops; what waits for an approval is built first.

    All is checked again once it is built, when the figures are exact.
    """
    settings, request = run.services.settings, run.request
    before = claim.count(request.side)
    found = find_row_findings(settings, request, chunks, files, before=before)
    if valid and request.mode == "replace":
        found += find_size_findings(
            settings, request, before=before, removed=max(0, before - valid), added=0
        )
    if any(stops(request, each, accepted=valid) for each in found):
        object_to(run, found, accepted=valid)


def _count_kept(run: StageRun, claim: Claim, new: int, sample: Sample) -> int:
    """How many members of the base are kept, with room for later edits.

    Args:
        run: The import.
        claim: Its claim.
        new: Distinct members of the files.
        sample: Some of them.
    """
    before = claim.count(run.request.side)
    match run.request.mode:
        case "replace":
            return 0
        case "reshard":
            # The list grows by edits; without room to grow it would be rebuilt at once again.
            return before * 3 // 2
        case "remove":
            return _count_left(run, claim, before, new, sample)
        case _:
            return before


def _count_left(run: StageRun, claim: Claim, before: int, new: int, sample: Sample) -> int:
    """How many members a remove leaves: all, unless it may leave so few that it needs to know."""
    request, bits = run.request, claim.base.bits(run.request.side)
    if not bits or bits_for(2 * max(0, before - new)) >= bits:
        return before
    stop = min(sample.stop, _COMPARED_SHARDS << (64 - bits), _HASHES)
    database, ref = run.services.store.database, request.list_ref
    base = read_members(database, ref, claim.base, request.side, 0, stop)
    left = subtract(base, sample.members.between(0, stop))
    return before * len(left) // max(1, len(base))


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


def _take_sample(run: StageRun, chunks: Sequence[ChunkResult]) -> Sample:
    """The members in the first range of all spills, which hold fewer rows than were valid."""
    indexes = [chunk.spill.index for chunk in chunks if chunk.spill]
    count = max(index.range_count for index in indexes)
    members = load_spills(run.spills, chunks, Range(0, count))
    spilled = sum(index.rows_of(0, index.range_count - 1) for index in indexes)
    valid = sum(chunk.valid for chunk in chunks)
    rows = round(len(members) * valid / max(1, spilled))
    return Sample(distinct(members), rows, _HASHES // count)


def _choose_range_count(
    plan: Plan, chunks: Sequence[ChunkResult], claim: Claim, target: Revision, side: Side
) -> int:
    """As few ranges as rows and bytes allow, each of whole shards and whole spill ranges."""
    rows = sum(chunk.valid for chunk in chunks) + claim.count(side)
    most = 1 << min(plan.range_bits, target.bits(side))
    needed = -(-rows // _ROWS_PER_RANGE)
    wanted: int = 1 << max(0, needed - 1).bit_length()
    return min(most, max(most // 4, wanted))
