"""Builds the shards of one side of a new revision, range by range."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from worker.byte_columns import as_list
from worker.imports.building.revision_members import read_members
from worker.imports.stage_results import Built
from worker.store import ListRef, ListUnknown
from worker.store.jobs import Mode
from worker.store.keyspace import Side
from worker.store.lists import Revision, ShardWriter
from worker.store.members import (
    Members,
    distinct,
    join_members,
    members_of,
    no_members,
    payloads_of_entries,
    shard_slices,
    subtract,
)
from worker.store.server import Database

#: Shards built together: about 0.6 M members.
_SHARDS_PER_STEP: Final = 8_192
#: Shards whose payloads exist at a time: 3 MB, which stay in the processor's cache.
_SHARDS_PER_WRITE: Final = 2_048
#: Below this share of the base, members are added to or removed from copied shards by the server.
_COPY_SHARE: Final = 8


@dataclass(frozen=True, slots=True)
class SideBuild:
    """One side of one build: where it comes from and where it goes."""

    ref: ListRef
    side: Side
    base: Revision | None
    """``None`` when the base has no member on this side."""
    target: Revision
    mode: Mode
    """What is done with the members of the files: added to the base, put in its place, or removed
    from it. A re-shard has none."""


class SideBuilder:
    """Writes shards of one side through one writer."""

    def __init__(
        self,
        database: Database,
        build: SideBuild,
        writer: ShardWriter,
        *,
        payloads: bool,
        on_built: Callable[[int], None],
    ) -> None:
        self._database = database
        self._build = build
        self._writer = writer
        self._payloads = payloads
        self._on_built = on_built

    def build(self, new: Members, first: int, stop: int) -> Built:
        """Write shards ``first`` to ``stop`` (exclusive) of the target.

        Args:
            new: Distinct members of the files in these shards, in order of their hashes.
            first: First shard of the target.
            stop: After the last shard.

        Raises:
            ListUnknown: a shard of the base is missing.
            Fenced: the import no longer holds the list.
            StoreUnavailable: the whole range has to be started again.
        """
        total = Built()
        bits = self._build.target.bits(self._build.side)
        for low in range(first, stop, _SHARDS_PER_STEP):
            high = min(low + _SHARDS_PER_STEP, stop)
            part = new.between(low << (64 - bits), high << (64 - bits)) if bits else new
            total += self._build_step(part, low, high)
        self._writer.flush()
        return total

    def _build_step(self, new: Members, first: int, stop: int) -> Built:
        build = self._build
        if build.base is None:
            written = no_members() if build.mode == "remove" else new
            self._write(written, first, stop)
            return Built(written=len(written), added=len(written))
        if build.mode != "replace" and self._is_small(new, first, stop):
            return self._copy(new, first, stop)
        base = self._read_base(first, stop)
        if build.mode == "remove":
            left = subtract(distinct(base), new)
            self._write(left, first, stop)
            return Built(base=len(base), written=len(left))
        union = distinct(join_members([base, new]))
        written = new if build.mode == "replace" else union
        self._write(written, first, stop)
        added = len(union) - len(base)
        return Built(len(base), len(written), added, len(new) - added)

    def _is_small(self, new: Members, first: int, stop: int) -> bool:
        build = self._build
        same = build.base is not None and build.base.bits(build.side) == build.target.bits(
            build.side
        )
        return same and len(new) * _COPY_SHARE <= (stop - first) * 48

    def _copy(self, new: Members, first: int, stop: int) -> Built:
        build = self._build
        bounds = shard_slices(
            new.hashes,
            bits=build.target.bits(build.side),
            first_shard=first,
            shard_count=stop - first,
        )
        members = as_list(members_of(new.entries))
        changed = (
            (first + shard, members[bounds[shard] : bounds[shard + 1]])
            for shard in np.flatnonzero(np.diff(bounds)).tolist()
        )
        removes = build.mode == "remove"
        copied, count = self._writer.copy(build.side, first, stop, changed, removes=removes)
        self._on_built(stop - first)
        if removes:
            return Built(base=copied, written=copied - count)
        return Built(copied, copied + count, count, len(new) - count)

    def _write(self, members: Members, first: int, stop: int) -> None:
        bits = self._build.target.bits(self._build.side)
        for low in range(first, stop, _SHARDS_PER_WRITE):
            high = min(low + _SHARDS_PER_WRITE, stop)
            part = members.between(low << (64 - bits), high << (64 - bits)) if bits else members
            self._write_shards(part, low, high)
            self._on_built(high - low)

    def _write_shards(self, members: Members, first: int, stop: int) -> None:
        side, bits = self._build.side, self._build.target.bits(self._build.side)
        if self._payloads:
            payloads = payloads_of_entries(
                members.entries,
                members.hashes,
                bits=bits,
                first_shard=first,
                shard_count=stop - first,
            )
            self._writer.put(side, first, payloads)
            return
        bounds = shard_slices(
            members.hashes, bits=bits, first_shard=first, shard_count=stop - first
        )
        packed = as_list(members_of(members.entries))
        self._writer.fill(
            side, ((first + i, packed[bounds[i] : bounds[i + 1]]) for i in range(stop - first))
        )

    def _read_base(self, first: int, stop: int) -> Members:
        """The base's members whose hashes belong to these shards, in any order."""
        build = self._build
        base, bits = build.base, build.target.bits(build.side)
        if base is None:
            return no_members()
        low, high = first << (64 - bits), stop << (64 - bits)
        try:
            return read_members(self._database, build.ref, base, build.side, low, high)
        except ListUnknown:
            # What is replaced need not be whole.
            if build.mode == "replace":
                return no_members()
            raise
