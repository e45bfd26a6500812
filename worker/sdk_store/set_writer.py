"""Writes changes of lists to the sets of an environment, and to the log of changes."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from worker.sdk_store.change_log import ChangeLog
from worker.sdk_store.hashed_keys import HashedKeys
from worker.sdk_store.list_source import Batch
from worker.sdk_store.sdk_sets import SdkSets
from worker.store import EXCLUDED, INCLUDED, EnvironmentRef, Side, unpack_members

#: Contexts written before others have a turn.
_PER_STEP: Final = 8_192
_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)

Op = tuple[Side, bool, bytes]
_Hashed = dict[tuple[Side, bool], HashedKeys]


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
                    hashed[side, wanted] = HashedKeys.of(keys)
        self._write(ref, hashed, logs=True)

    def write(
        self, ref: str, batch: Batch, *, logs: bool
    ) -> Iterator[list[tuple[Side, HashedKeys]]]:
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
                    hashed = HashedKeys.of(column[first : first + _PER_STEP])
                    self._write(ref, {(change.side, adds): hashed}, logs=logs)
                    yield [(change.side, hashed)] if adds else []

    def _write(self, ref: str, hashed: _Hashed, *, logs: bool) -> None:
        if logs and hashed:
            changes = {side: _digests(hashed, side) for side in _SIDES}
            self._log.append(self._env, self._token, ref, changes)
        for adds in (True, False):
            for side in _SIDES:
                hashes = hashed.get((side, adds))
                if hashes is not None:
                    change = self._sets.add if adds else self._sets.remove
                    change(side, ref, hashes)
                    self.contexts += len(hashes)


def _digests(hashed: _Hashed, side: Side) -> tuple[bytes, bytes]:
    added, removed = (hashed.get((side, adds)) for adds in (True, False))
    return (
        b"" if added is None else added.digests.tobytes(),
        b"" if removed is None else removed.digests.tobytes(),
    )
