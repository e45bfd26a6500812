"""Scatter: reads the rows of one chunk and writes their packed, hashed members to a spill."""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import Final

import pyarrow as pa

from worker.byte_columns import Column, ColumnView, split_by_length
from worker.byte_columns import concatenate as join_columns
from worker.imports.building.gather import Range, gather
from worker.imports.building.size import Sample, find_wrong_starts, fix_size
from worker.imports.planning.file_table import tabulate
from worker.imports.reading.chunk_reading import read_files, read_piece
from worker.imports.reading.chunk_tally import ChunkTally
from worker.imports.rejected_rows import RejectedPart, write_rejected_rows
from worker.imports.spill_store import SpillFile
from worker.imports.stage_results import STARTS, Chunk, ChunkResult, Plan, RangeResult, Spill
from worker.imports.stage_run import StageRun
from worker.lists.csv.chunks import CsvState
from worker.lists.spills import SpillWriter
from worker.read_ahead import read_ahead
from worker.store.erasures import ErasedKeys
from worker.store.members import (
    Members,
    distinct,
    drop_frequent,
    entries_of,
    hash_members,
    join_members,
    no_members,
    pack_keys,
)

#: Bytes of keys of several lengths that are packed together: over 200,000 rows, and with what is
#: computed from them a few times these bytes in memory.
_MIXED_BYTES: Final = 8 * 1024 * 1024
#: Rows of one length that are worth a column of their own.
_FREQUENT_ROWS: Final = 4_096
#: Rows of one column: bounds what joining its parts takes in memory beside them. It makes no
#: measurable difference in time.
_COLUMN_ROWS: Final = 256 * 1024


def scatter_chunk(run: StageRun) -> None:
    """Read one chunk into one spill; a list that fits in one portion is gathered at once."""
    plan, number = run.plan(), run.unit.number
    if not plan.chunks:
        run.open_publish((), _gather_small(run, plan, (), no_members()))
        return
    starts = run.services.store.jobs.read(run.request.ref, STARTS) or {}
    tally = ChunkTally(start=starts.get(number, CsvState.ROW.value))
    with RejectedPart(run) as rejected:
        portions = read_chunk(run, plan, plan.chunks[number], tally, rejected)
        if len(plan.chunks) == 1:
            ahead = [*islice(portions, 2)]
            if len(ahead) < 2:  # noqa: PLR2004 - all of it is one portion, or nothing
                members = join_members(ahead.pop() if ahead else ())
                _finish_small(run, plan, tally, members, rejected)
                return
            # No other worker has a part of it: the next portion is read while one is written.
            first = [ahead.pop(0)]
            with read_ahead(_hand_over(ahead, portions), 1) as later:
                _spill(run, plan, tally, _hand_over(first, later), rejected)
            return
        _spill(run, plan, tally, portions, rejected)


def _hand_over(
    ahead: list[Sequence[Members]], portions: Iterator[Sequence[Members]]
) -> Generator[Sequence[Members]]:
    """The portions that were read ahead and those after them; none is held longer than needed."""
    while ahead:
        yield ahead.pop(0)
    yield from portions


def _finish_small(
    run: StageRun, plan: Plan, tally: ChunkTally, members: Members, rejected: RejectedPart
) -> None:
    """Gather the only chunk and open publish; the part of a try that comes late is deleted."""
    chunks = (tally.result(None, rejected.close()),)
    try:
        built = _gather_small(run, plan, chunks, members)
    except BaseException:
        # Nothing else may ever look for it: the import may have ended, by another try.
        rejected.remove()
        raise
    if not run.open_publish(chunks, built):
        rejected.remove()


def _gather_small(
    run: StageRun, plan: Plan, chunks: Sequence[ChunkResult], members: Members
) -> RangeResult:
    """Size and gather the members of one chunk, or rebuild a list from its base alone.

    There is no spill. If the store loses shards of it before the flip, the chunk is read again.
    """
    # A single chunk has the right state; this stops a row that is too long.
    find_wrong_starts(plan, chunks)
    files = tabulate(run, plan, chunks)
    write_rejected_rows(run, chunks, files)
    run.note_entered("gather")
    members = distinct(members)
    sample = Sample(members, sum(chunk.valid for chunk in chunks))
    claim = run.claim()
    target = fix_size(run, claim, chunks, sample, files)
    return gather(run, claim, target, Range(0, 1), members)


def _spill(
    run: StageRun,
    plan: Plan,
    tally: ChunkTally,
    portions: Iterator[Sequence[Members]],
    rejected: RejectedPart,
) -> None:
    files: list[SpillFile] = []
    with run.spills.write(run.unit.number, run.unit.token, files) as sink:
        writer = SpillWriter(sink, plan.range_bits)
        for members in portions:
            writer.add_portion([(part.entries, part.hashes) for part in members])
            # The next portion is read into the memory of this one.
            del members
        index = writer.close()
    part = rejected.close()
    if not run.finish_chunk(tally.result(Spill(files[0], index), part)):
        # Another try finished first, or the import has ended and its spills are deleted.
        run.spills.remove(files[0])
        rejected.remove()


class _Portion:
    """Packs and hashes the keys of one portion.

    Keys of several lengths are collected and split by length, because each length takes steps
    of its own; the order of the members has no meaning. So are few keys, because each step takes
    its time whether for one key or for thousands.
    """

    def __init__(self, erased: ErasedKeys | None) -> None:
        self._erased_keys = erased
        self.rows = self.packed_bytes = self.erased = 0
        self._mixed: list[Column] = []
        self._mixed_bytes = 0
        self._parts: dict[pa.DataType, list[Members]] = {}
        self._full: list[Members] = []

    @property
    def size_bytes(self) -> int:
        """Bytes of what it holds, hashes aside."""
        return self.packed_bytes + self._mixed_bytes

    def add(self, keys: Column) -> None:
        """Take more keys: binary or large_binary, no nulls."""
        view = ColumnView.of(keys)
        self.rows += view.rows
        if view.width is not None and view.rows >= _FREQUENT_ROWS:
            self._pack(keys)
            return
        self._mixed.append(keys)
        self._mixed_bytes += len(view.data)
        if self._mixed_bytes >= _MIXED_BYTES:
            self._pack_mixed()

    def finish(self) -> list[Members]:
        """The members: columns for each frequent length, and one for the others."""
        self._pack_mixed()
        # Each column's parts are dropped once they are joined.
        kinds = tuple(self._parts)
        joined = [drop_frequent(join_members(self._parts.pop(kind))) for kind in kinds]
        rare = [members for members in joined if len(members) < _FREQUENT_ROWS]
        frequent = [members for members in joined if len(members) >= _FREQUENT_ROWS]
        others = [join_members(rare)] if rare else []
        return [*self._full, *frequent, *others]

    def _pack_mixed(self) -> None:
        if not self._mixed:
            return
        joined = join_columns(self._mixed)
        self._mixed, self._mixed_bytes = [], 0
        for keys in split_by_length(joined, _FREQUENT_ROWS):
            self._pack(keys)

    def _pack(self, keys: Column) -> None:
        packed = pack_keys(keys)
        hashes = hash_members(packed)
        erased = None if self._erased_keys is None else self._erased_keys.find(packed, hashes)
        if erased is not None:
            self.erased += int(erased.sum())
            packed, hashes = packed.filter(pa.array(~erased)), hashes[~erased]
        self.packed_bytes += packed.nbytes
        members = Members(entries_of(packed), hashes)
        parts = self._parts.setdefault(members.entries.type, [])
        parts.append(members)
        if sum(map(len, parts)) >= _COLUMN_ROWS:
            self._full.append(drop_frequent(join_members(parts)))
            parts.clear()


def read_chunk(
    run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally, rejected: RejectedPart
) -> Iterator[Sequence[Members]]:
    """Yield the valid keys of one chunk, packed and hashed, in portions of bounded size.

    A portion is several columns of members, in no order. The tally is complete when the iterator is
    exhausted. A row that is too long ends the chunk and is noted in the tally.

    Raises:
        ImportStopped: the file is gone.
        ObjectChanged: the file was replaced since it was planned.
        LeaseLost: another worker has the chunk.
    """
    limits = run.services.settings
    # Of a list that is one chunk however long it is, two portions are held at a time.
    share = 2 if chunk.files or not plan.sources[chunk.source].text.is_splittable else 1
    erased = run.erased_keys()
    portion = _Portion(erased)
    read = read_files if chunk.files else read_piece
    for batch in read(run, plan, chunk, tally):
        rejected.add(batch, tally.line)
        tally.count(batch)
        run.progress.add(rows=batch.row_count)
        portion.add(batch.keys)
        rows, size_bytes = share * portion.rows, share * portion.size_bytes
        if rows >= limits.chunk_rows or size_bytes >= limits.chunk_bytes:
            yield _finish(portion, tally)
            portion = _Portion(erased)
    if portion.rows:
        yield _finish(portion, tally)


def _finish(portion: _Portion, tally: ChunkTally) -> list[Members]:
    members = portion.finish()
    tally.packed_bytes += portion.packed_bytes
    tally.erased += portion.erased
    return members
