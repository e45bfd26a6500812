"""The sets of one environment, on the server that SDKs read.

Every change is made only after a look at the canary: its name tells these sets from those of a
server that was flushed or replaced, its writer tells this worker from one that has lost the lease,
and its count tells whether the server has lost the last changes. Scripts do it, and for very many
contexts the windows of ``set_windows``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Literal, cast

from worker.batches import batches
from worker.sdk_store.errors import PrefixInUse
from worker.sdk_store.hashed_keys import HASH_CHARS, HashedKeys
from worker.sdk_store.keys import SdkKeys
from worker.sdk_store.set_reading import read_sets
from worker.sdk_store.set_windows import Fence, add_in_windows
from worker.store import EXCLUDED, INCLUDED, Side
from worker.store.errors import SdkSetsLost
from worker.store.server import Database, driver_errors, node_client, run_each

#: Contexts that are added in one step of the server, so that others wait under a millisecond.
PER_WINDOW: Final = 512
#: Windows that are rather added by a script.
_FEW: Final = 1
#: Contexts that a script changes in one step.
_PER_CALL: Final = 256
#: Keys of the server looked at in one step of a scan.
_SCANNED: Final = 1_000
#: The same while it is only looked whether there are any, and for how long at most.
_SEARCHED: Final = 5_000
_SEARCH_S: Final = 2.0
#: Sets read, and references removed, in one step.
_SETS_PER_CALL: Final = 500

_HASH: Final = re.compile(rb"[A-Za-z0-9+/]{%d}=" % (HASH_CHARS - 1))

_ChangeScript = Literal["sdk_store/add", "sdk_store/remove"]


@dataclass(frozen=True, slots=True)
class FoundSets:
    """Sets that a scan has found."""

    side: Side
    hashes: HashedKeys
    refs: list[frozenset[str]]
    """What is in each."""

    def keys_at(self, rows: list[int]) -> list[str]:
        """The encoded hashes of these rows."""
        return self.hashes[rows].texts()

    def keys(self) -> list[str]:
        """The encoded hashes of all."""
        return self.hashes.texts()


class SdkSets:
    """The sets under one prefix, as one worker writes them.

    Every method may raise ``StoreUnavailable``, and those that write ``OutOfMemory`` and
    ``SdkSetsLost``: then nothing is known of what was written since, and :meth:`open` tells.
    """

    def __init__(self, database: Database, prefix: str, writer: str) -> None:
        """Open nothing yet.

        Args:
            database: The server that SDKs read.
            prefix: What the keys begin with.
            writer: Names this worker.
        """
        self._db = database
        self._keys = SdkKeys(prefix)
        self._client = node_client(database.client, self._keys.canary())
        self._writer = writer
        self._name = ""
        self.writes = 0
        """Calls that have changed the sets, as far as this worker knows."""

    def open(self, name: str | None, writes: int) -> bool:
        """Have only this worker's writes taken from now on. Cost: one round trip.

        Args:
            name: What the sets are called.
            writes: Calls that had changed them at least.

        Returns:
            Whether these are those sets, with all that was written.

        Raises:
            PrefixInUse: a Relay Proxy writes under the prefix.
        """
        with driver_errors("look for a Relay Proxy's keys"):
            relay = self._client.exists(*self._keys.of_relay())
        if relay:
            message = (
                f"a Relay Proxy writes under prefix {self._keys.prefix}: give this environment "
                f"another prefix, or delete {' and '.join(self._keys.of_relay())}"
            )
            raise PrefixInUse(message)
        if name is None:
            return False
        found = self._run_open(name, make=False)
        self._name, self.writes = name, found
        return found >= writes

    def begin(self, name: str) -> None:
        """Give the sets a name of their own, whatever they hold. Cost: one round trip."""
        self._name, self.writes = name, self._run_open(name, make=True)

    def _run_open(self, name: str, *, make: bool) -> int:
        arguments = (name, self._writer, "1" if make else "")
        key = self._keys.canary()
        return int(self._db.run("open the sets for SDKs", "sdk_store/open", [key], arguments))

    def check(self) -> None:
        """Find out whether these are still the sets that were written. Cost: one round trip.

        Raises:
            SdkSetsLost: they are not.
        """
        with driver_errors("look at the sets for SDKs"):
            found = self._db.client.hmget(self._keys.canary(), ["name", "writer", "writes"])
        name, writer, writes = (text.decode() if text else "" for text in found)
        if (name, writer) != (self._name, self._writer) or int(writes or 0) < self.writes:
            raise _lost(self._keys.prefix)

    def add(self, side: Side, ref: str, hashes: Iterable[HashedKeys]) -> None:
        """Put a reference into the sets of these contexts.

        Cost: for new sets about 3 µs of the server each, with its append-only file; half as much
        again if there is only one window.

        Args:
            side: Which sets.
            ref: ``segment.gN``.
            hashes: Of up to :data:`PER_WINDOW` contexts each; made while the server works.
        """
        waiting = iter(hashes)
        first = [*islice(waiting, _FEW + 1)]
        if len(first) <= _FEW:
            self._change("sdk_store/add", side, ref, first)
            return
        fence = Fence(self._keys.canary(), self._name, self._writer)
        windows = chain(first, waiting)
        prefix = self._keys.sets(side)
        for writes in add_in_windows(self._client, fence, prefix, ref, windows):
            self._count([writes])

    def remove(self, side: Side, ref: str, hashes: Iterable[HashedKeys]) -> None:
        """Take it out again. Works on a server out of memory, too.

        Cost: about 4 µs of the server each.
        """
        self._change("sdk_store/remove", side, ref, hashes)

    def _change(
        self, script: _ChangeScript, side: Side, ref: str, hashes: Iterable[HashedKeys]
    ) -> None:
        head = (self._name, self._writer, self._keys.sets(side), ref)
        calls = (
            (*head, some[first : first + _PER_CALL].encoded())
            for some in hashes
            for first in range(0, len(some), _PER_CALL)
        )
        what = f"write sets of {ref} for SDKs"
        for reply in run_each(self._db, what, script, self._keys.canary(), calls):
            self._count(reply)

    def sweep(self, side: Side, removals: Sequence[tuple[str, str]]) -> None:
        """Take references out of sets.

        Args:
            side: Which sets.
            removals: Encoded hash and reference.
        """
        prefix = self._keys.sets(side)
        calls = (
            (self._name, self._writer, *(item for h, ref in group for item in (prefix + h, ref)))
            for group in batches(removals, _SETS_PER_CALL)
        )
        what = "sweep the sets for SDKs"
        for reply in run_each(self._db, what, "sdk_store/sweep", self._keys.canary(), calls):
            self._count(reply)

    def _count(self, reply: Sequence[int]) -> None:
        if not reply or reply[0] <= self.writes:
            raise _lost(self._keys.prefix)
        self.writes = reply[0]

    def scan(self) -> Iterator[FoundSets | None]:
        """Find all sets, some of them twice, in bounded steps; ``None`` where a step found none.

        Sets that are there from the beginning to the end are found. Cost: that of walking all keys
        of the server's database, and reading each set.
        """
        for side in (INCLUDED, EXCLUDED):
            prefix = self._keys.sets(side)
            cursor = 0
            while True:
                with driver_errors("scan the sets for SDKs"):
                    cursor, found = self._client.scan(cursor, match=f"{prefix}*", count=_SCANNED)
                yield self._read(side, cast("list[bytes]", found))
                if not cursor:
                    break

    def are_empty(self, monotonic_s: Callable[[], float]) -> bool:
        """Whether there is no set at all, as far as a search of two seconds can tell.

        Cost: that of walking the keys of the server's database, a million or so a second.

        Args:
            monotonic_s: Seconds.
        """
        cursor, ends_s = 0, monotonic_s() + _SEARCH_S
        while True:
            with driver_errors("look for sets for SDKs"):
                cursor, found = self._client.scan(
                    cursor, match=self._keys.any_set(), count=_SEARCHED
                )
            if found or (cursor and monotonic_s() >= ends_s):
                return False
            if not cursor:
                return True

    def _read(self, side: Side, names: Sequence[bytes]) -> FoundSets | None:
        size = len(self._keys.sets(side))
        # Any other key under the prefix is none of these sets.
        names = [name for name in names if _HASH.fullmatch(name, size)]
        found: list[frozenset[str]] = []
        for group in batches(names, _SETS_PER_CALL):
            found += read_sets(self._client, group)
        if not names:
            return None
        hashes = HashedKeys.decode(b"".join(name[size:] for name in names))
        return FoundSets(side, hashes, found)

    def synchronize(self, now_ms: int) -> None:
        """Tell SDKs that the sets were current at this time, Unix ms. Cost: one round trip."""
        with driver_errors("tell SDKs that their sets are current"):
            self._client.set(self._keys.synchronized_on(), str(now_ms))

    def forget_time(self) -> None:
        """Have SDKs take the sets for stale. Cost: one round trip."""
        with driver_errors("tell SDKs that their sets are not kept"):
            self._client.unlink(self._keys.synchronized_on())

    def forget_name(self) -> None:
        """Remove the canary, so that no worker takes the sets for its own. One round trip."""
        with driver_errors("end the sets for SDKs"):
            self._client.unlink(self._keys.canary())


def _lost(prefix: str) -> SdkSetsLost:
    message = (
        f"the sets under prefix {prefix} are gone, have lost writes, or another worker keeps them"
    )
    return SdkSetsLost(message)
