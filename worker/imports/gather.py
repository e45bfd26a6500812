"""Gathering one range of hashes from every spill and building its shards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.imports.building import Built, SideBuild, SideBuilder
from worker.imports.errors import ImportStopped
from worker.imports.sorting import Members, concatenate, distinct, no_members
from worker.imports.spills import SpillFile, SpillStore
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.lists.spills import SpillIndex, read_blocks
from worker.store.jobs.records import ImportRequest
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import Claim, Revision, ShardWriter


@dataclass(frozen=True, slots=True)
class Range:
    """The unit of gather work: one of ``count`` equal parts of the hashes."""

    number: int
    count: int

    def of(self, total: int) -> tuple[int, int]:
        """This part of ``total`` shards or spill ranges: the first and behind the last."""
        return total * self.number // self.count, total * (self.number + 1) // self.count


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one range came to."""

    accepted: int
    """Distinct members of the list files."""
    included: Built
    excluded: Built

    def to_json(self) -> dict[str, Any]:
        """The form that the range's record holds."""
        return {
            "accepted": self.accepted,
            "base": self.included.base,
            "written": self.included.written,
            "added": self.included.added,
            "unchanged": self.included.unchanged,
            "excluded": self.excluded.written,
        }


def gather(
    context: Context,
    request: ImportRequest,
    claim: Claim,
    target: Revision,
    part: Range,
    load: Callable[[], Members],
    progress: UnitProgress,
) -> Gathered:
    """Write the shards of one range of both sides.

    Running it again writes the same shards again. Whatever goes wrong with the
    connection, the whole range is to be started again.

    Args:
        context: The outside world.
        request: The import.
        claim: Its place in history, with the base.
        target: The revision being built.
        part: The range.
        load: Gives the range's members of the list files, in any order, repeated or not.
        progress: Keeps the lease.

    Raises:
        Fenced: the import no longer holds the list.
        ListUnknown: the base is not whole.
        OutOfMemory: the server is full.
        StoreUnavailable: start the range again.
    """
    new = distinct(load())
    progress.add()
    store, ref = context.store, request.list_ref
    with ShardWriter(store.database, ref, request.import_id, on_sent=progress.sent) as writer:
        payloads = writer.takes_payloads()

        def side(build: SideBuild, members: Members) -> Built:
            first, stop = part.of(target.shard_count(build.side))
            return SideBuilder(context, build, writer, payloads=payloads).build(
                members, first, stop
            )

        replace = request.mode == "replace"
        included = SideBuild(
            ref=ref,
            side=INCLUDED,
            base=claim.base if claim.base.included_bits else None,
            target=target,
            keep_base=not replace,
            forgive_base=replace,
        )
        excluded = SideBuild(
            ref=ref,
            side=EXCLUDED,
            base=claim.base if claim.base.excluded_bits else None,
            target=target,
            keep_base=True,
            forgive_base=False,
        )
        return Gathered(len(new), side(included, new), side(excluded, no_members()))


def load_spills(
    spills: SpillStore, written: list[tuple[SpillFile, SpillIndex]], part: Range
) -> Members:
    """Read one range of every spill.

    Raises:
        ImportStopped: a spill is not readable.
        ObjectStoreUnavailable: no answer. Safe to retry.
    """
    parts = []
    for file, index in written:
        first, stop = part.of(index.range_count)
        for start, end in index.blocks_of(first, stop - 1):
            packed, hashes = read_blocks(spills.read(file, start, end))
            parts.append(Members(packed, hashes))
    members = concatenate(parts)
    expected = 0
    for _, index in written:
        first, stop = part.of(index.range_count)
        expected += index.rows_of(first, stop - 1)
    if len(members) != expected:
        message = f"spills hold {len(members)} rows of range {part.number}, not {expected}"
        raise ImportStopped(message)
    return members
