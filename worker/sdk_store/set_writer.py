"""Writes changes of lists to the sets of an environment, and to the log of changes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from worker.byte_columns import Column
from worker.sdk_store.change_log import ChangeLog
from worker.sdk_store.hashed_keys import HashedKeys
from worker.sdk_store.list_source import Batch
from worker.sdk_store.sdk_sets import PER_WINDOW, SdkSets
from worker.store import EXCLUDED, INCLUDED, EnvironmentRef, Side, unpack_members

#: Contexts written before others have a turn.
_PER_STEP: Final = 16_384
_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)

Op = tuple[Side, bool, bytes]
_Added = tuple[Side, HashedKeys]
_Hashed = dict[tuple[Side, bool], list[HashedKeys]]


class SetWriter:
    """Writes to the sets; raises as they do, and as the log does."""

    def __init__(self, env: EnvironmentRef, token: str, sets: SdkSets, log: ChangeLog) -> None:
        self._env = env
        self._token = token
        self._sets = sets
        self._log = log
        self.contexts = 0
        """Additions and removals so far."""

    def apply(self, ref: str, ops: Sequence[Op]) -> None:
        """Apply ops in their order: only the last one about a member counts.

        Args:
            ref: The list, ``segment.gN``.
            ops: Side, whether it was added, and packed member.
        """
        last = {(side, member): adds for side, adds, member in ops}
        hashed: _Hashed = {}
        for side in _SIDES:
            for wanted in (True, False):
                members = [
                    member for (of, member), adds in last.items() if of == side and adds is wanted
                ]
                if members:
                    keys = unpack_members(pa.array(members, pa.binary()))
                    hashed[side, wanted] = [*_hash(keys)]
        self._tell(ref, hashed)
        for adds in (True, False):
            for side in _SIDES:
                self._write(ref, side, hashed.get((side, adds), ()), adds=adds)

    def write(self, ref: str, batch: Batch, *, logs: bool) -> Iterator[list[_Added]]:
        """Write a batch, some thousand contexts at a time.

        Additions go first, so that a context that changes sides is never in none.

        Args:
            ref: The list, ``segment.gN``.
            batch: Keys that it gained and lost.
            logs: Whether the log is told: not of what is new to it as a whole.

        Yields:
            What was added, after each time.
        """
        for adds in (True, False):
            for change in batch.changes:
                column = change.added if adds else change.removed
                for first in range(0, len(column), _PER_STEP):
                    some = column[first : first + _PER_STEP]
                    written = self._write_column(ref, change.side, some, adds=adds, logs=logs)
                    yield [(change.side, hashes) for hashes in written] if adds else []

    def _write_column(
        self, ref: str, side: Side, keys: Column, *, adds: bool, logs: bool
    ) -> list[HashedKeys]:
        written: list[HashedKeys] = []
        if logs:
            written = [*_hash(keys)]
            self._tell(ref, {(side, adds): written})
            self._write(ref, side, written, adds=adds)
        else:
            # Hashed while the server works on those before.
            self._write(ref, side, _noted(_hash(keys), written), adds=adds)
        return written

    def _tell(self, ref: str, hashed: _Hashed) -> None:
        if hashed:
            changes = {side: _digests(hashed, side) for side in _SIDES}
            self._log.append(self._env, self._token, ref, changes)

    def _write(self, ref: str, side: Side, hashes: Iterable[HashedKeys], *, adds: bool) -> None:
        change = self._sets.add if adds else self._sets.remove
        change(side, ref, self._counted(hashes))

    def _counted(self, hashes: Iterable[HashedKeys]) -> Iterator[HashedKeys]:
        for some in hashes:
            self.contexts += len(some)
            yield some


def _hash(keys: Column) -> Iterator[HashedKeys]:
    """Hash keys, as many at a time as are written in one step."""
    for first in range(0, len(keys), PER_WINDOW):
        yield HashedKeys.of(keys[first : first + PER_WINDOW])


def _noted(hashes: Iterable[HashedKeys], into: list[HashedKeys]) -> Iterator[HashedKeys]:
    for some in hashes:
        into.append(some)
        yield some


def _digests(hashed: _Hashed, side: Side) -> tuple[bytes, bytes]:
    added, removed = (
        b"".join(some.digests.tobytes() for some in hashed.get((side, adds), ()))
        for adds in (True, False)
    )
    return added, removed
