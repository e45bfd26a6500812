"""Builds one range of a composition: its members from the sources, then its shards."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from worker.imports.building.gather import Range, gather
from worker.imports.building.revision_members import read_members
from worker.imports.composing.set_operations import combine
from worker.imports.composing.source_lists import read_source
from worker.imports.stage_run import StageRun
from worker.store.jobs import Composition
from worker.store.lists import Claim
from worker.store.members import Members, join_members
from worker.store.workflows import keep_sources

_HASHES: Final = 1 << 64
#: A member of a shard and its hash, an estimate.
_BYTES_PER_MEMBER: Final = 24
#: Reading the sources, in parts of what a caller sees of a range.
_READING_SHARE: Final = 0.25


def compose_range(run: StageRun) -> None:
    """Build the shards of one range from the source lists.

    Running it again reads the same members again: the sources are read as they were when they were
    pinned.

    Raises:
        SnapshotLost: a source is not kept any more.
        ListUnknown: a source or the base is not whole.
        Fenced: the import no longer holds the list.
        OutOfMemory: the server is full.
    """
    composition = run.request.composition
    if composition is None:
        raise AssertionError  # run.py calls it for compositions alone
    keep_sources(run.services.store, run.request)
    part, claim = Range(run.unit.number, run.unit.units), run.claim()
    steps = -(-composition.members // (part.count * members_per_step(run)))
    run.progress.expect(int(max(1, steps) / _READING_SHARE))
    parts: list[Members] = []
    read = accepted = 0
    for low, high in intervals(part.number, part.count, max(1, steps)):
        members, count = combine_sources(run, composition, low, high)
        read, accepted = read + count, accepted + len(members)
        parts.append(_needed(run, claim, composition, members, low, high))
        run.progress.add(rows=count, work=1)
    built = gather(run, claim, run.target(), part, join_members(parts))
    run.finish_range(replace(built, accepted=accepted, read=read))


def members_per_step(run: StageRun) -> int:
    """How many members of all sources are in memory together."""
    return max(1, run.services.settings.range_bytes // _BYTES_PER_MEMBER)


def intervals(number: int, count: int, steps: int) -> Iterator[tuple[int, int]]:
    """Cut one of ``count`` equal parts of the hashes into steps; bounds are whole 2^32s.

    Args:
        number: Of the part, from 0.
        count: Of parts, at most 2^24.
        steps: At most 2^8 of each.
    """
    for step in range(number * steps, (number + 1) * steps):
        yield _bound(step, count * steps), _bound(step + 1, count * steps)


def _bound(step: int, steps: int) -> int:
    return ((1 << 32) * step // steps) << 32


def combine_sources(
    run: StageRun, composition: Composition, low: int, high: int
) -> tuple[Members, int]:
    """The members of the result whose hashes are in ``[low, high)``, and how many were read."""
    parts = []
    for source in composition.sources:
        parts.append(read_source(run.services.store, source, low, high))
        run.progress.add()
    return combine(composition.op, parts), sum(map(len, parts))


def _needed(
    run: StageRun, claim: Claim, composition: Composition, members: Members, low: int, high: int
) -> Members:
    """The members that change anything.

    Those that a remove does not find are dropped at once: there may be many more than the base has,
    which then has few shards and few ranges.
    """
    request = run.request
    if request.mode != "remove" or composition.members <= claim.count(request.side):
        return members
    database, side = run.services.store.database, request.side
    base = read_members(database, request.list_ref, claim.base, side, low, high)
    return combine("intersect", [members, base])
