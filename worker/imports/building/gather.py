"""Gather: reads one range of hashes from every spill and builds the range's shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from worker.imports.building.side_builder import SideBuild, SideBuilder
from worker.imports.building.writing_progress import WritingProgress
from worker.imports.spill_store import SpillStore
from worker.imports.stage_results import SIDES, Built, ChunkResult, RangeResult, Spill
from worker.imports.stage_run import StageRun
from worker.lists.spills import read_blocks
from worker.store.jobs import ImportRequest
from worker.store.keyspace import Side
from worker.store.lists import Claim, Revision, ShardWriter
from worker.store.members import Members, distinct, no_members

#: Loading a range and sorting it, in parts of the time that writing its shards takes: 0.3 to 0.5
#: by the ``range.written`` lines of imports of one and five million UUIDs.
_LOADING_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Range:
    """The unit of gather work: one of ``count`` equal parts of the hashes."""

    number: int
    count: int

    def of(self, total: int) -> tuple[int, int]:
        """This part of ``total`` shards or spill ranges: the first, and one after the last."""
        return total * self.number // self.count, total * (self.number + 1) // self.count


def gather_range(run: StageRun) -> None:
    """Build the shards of one range from the spills."""
    part = Range(run.unit.number, run.unit.units)
    chunks = run.chunk_results(run.plan())
    members = distinct(load_spills(run.spills, chunks, part))
    run.progress.add()
    run.finish_range(gather(run, run.claim(), run.target(), part, members))


def gather(
    run: StageRun, claim: Claim, target: Revision, part: Range, members: Members
) -> RangeResult:
    """Write the shards of one range of both sides.

    Running it again writes the same shards again. After any error on the connection the whole
    range has to be started again.

    Args:
        run: The import.
        claim: Its claim, with the base.
        target: The revision being built.
        part: The range.
        members: The distinct members of the list files in this range, in order of their hashes.

    Raises:
        Fenced: the import no longer holds the list.
        ListUnknown: the base is not whole.
        OutOfMemory: the server is full.
    """
    request, database = run.request, run.services.store.database
    pacing = run.services.pacing_of(request.list_ref)
    shards = {side: part.of(target.shard_count(side)) for side in SIDES}
    with (
        WritingProgress(run, pacing.pace) as progress,
        ShardWriter(
            database,
            request.list_ref,
            request.import_id,
            target.name,
            on_sent=progress.sent,
            pacing=pacing,
        ) as writer,
    ):
        payloads = writer.takes_payloads()
        _expect_work(run, sum(stop - first for first, stop in shards.values()))

        def build(side: SideBuild, new: Members) -> Built:
            builder = SideBuilder(
                database,
                side,
                writer,
                payloads=payloads,
                on_built=lambda count: run.progress.add(work=count),
            )
            return builder.build(new, *shards[side.side])

        included, excluded = (
            build(
                _side(request, side, claim.base, target),
                members if side == request.side else no_members(),
            )
            for side in SIDES
        )
        return RangeResult(accepted=len(members), included=included, excluded=excluded)


def _expect_work(run: StageRun, shard_count: int) -> None:
    """Expect these shards; what was loaded for them is done already."""
    loading = int(shard_count * _LOADING_SHARE)
    run.progress.expect(loading + shard_count, stage="gather")
    run.progress.add(work=loading)


def _side(request: ImportRequest, side: Side, base: Revision, target: Revision) -> SideBuild:
    """How the shards of one side are built; of the one that is not changed, from the base alone."""
    return SideBuild(
        ref=request.list_ref,
        side=side,
        base=base if base.bits(side) else None,
        target=target,
        mode=request.mode if side == request.side else "merge",
    )


def load_spills(spills: SpillStore, chunks: Sequence[ChunkResult], part: Range) -> Members:
    """Read one range of every spill, unsorted and with repeated members.

    Raises:
        ImportStopped: a spill is gone.
        BrokenSpill: a spill does not hold what its index says.
    """
    stored = [chunk.spill for chunk in chunks if chunk.spill]
    pieces = chain.from_iterable(_read(spills, spill, part) for spill in stored)
    rows = sum(spill.index.rows_of(*_ranges(spill, part)) for spill in stored)
    return Members(*read_blocks(pieces, rows=rows))


def _read(spills: SpillStore, spill: Spill, part: Range) -> Iterator[bytes]:
    for start, end in spill.index.blocks_of(*_ranges(spill, part)):
        yield from spills.read(spill.file, start, end)


def _ranges(spill: Spill, part: Range) -> tuple[int, int]:
    """The first and the last range of a spill that are in the part."""
    first, stop = part.of(spill.index.range_count)
    return first, stop - 1
