"""What a relay is sent next: first all lists, then what has changed since, in one chain.

A relay that sends no version, or one that cannot hold anything of the references that it would be
sent, begins with all lists as they are now. What was appended to the log meanwhile follows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.store.errors import RelayNotAdmitted, RelaysNotServed
from worker.store.keyspace import EXCLUDED, INCLUDED, EnvironmentRef
from worker.store.sdk_log.records import (
    LogEntry,
    LogState,
    Page,
    Patch,
    SideHashes,
    Version,
    Walk,
    shifted,
)
from worker.store.sdk_log.sdk_log import MOST_CHANGES, SdkLog
from worker.store.sdk_log.walking import NewPatch, Walker

_NOTHING: Final = (b"", b"")
_ALL_LISTS: Final = Walk(all_lists=True)
#: The patch of a page that changes nothing but a relay's version names no list.
_NO_CHANGE: Final[NewPatch] = ("", SideHashes(), SideHashes())


class RelayPages:
    """Gives relays what they have not been sent. Every method may raise ``StoreUnavailable``."""

    def __init__(self, log: SdkLog, walker: Walker) -> None:
        """Take the parts."""
        self._log = log
        self._walker = walker

    def newest(self, env: EnvironmentRef) -> str:
        """The version of a relay that has everything by now. Cost: two round trips.

        Raises:
            RelaysNotServed: no worker keeps the log; safe to retry some seconds later.
        """
        shift, state = self._log.relay_shift(env), self._log.read(env)
        _require_kept(env, state)
        return str(Version(state.head, shift))

    def next_page(self, env: EnvironmentRef, after: str) -> Page:
        """What follows a version: fewer than 5,000 digests, unless one shard has as many.

        Cost: two to five round trips, some 10 ms of CPU for 4,000 members of a whole list.

        Args:
            env: Whose changes.
            after: The version of the last patch that the relay applied; empty if there is none.

        Raises:
            RelaysNotServed: no worker keeps the log; safe to retry some seconds later.
            RelayNotAdmitted: the relay may hold what is not in the lists any more, and has to
                wait until it can begin anew. Safe to retry.
            ListUnknown: a list is not whole.
        """
        shift, known = self._log.relay_shift(env), Version.parse(after)
        page, state = self._following(env, shift, known, after)
        if page is not None:
            return page
        # Whoever was sent only references below the shift holds none of those that follow.
        if after and (known is None or known.shift >= shift):
            shift = self._admit(env, after, shift if known is None else known.shift)
        return self._go_on(env, Version(state.head, shift, _ALL_LISTS), state, after)

    def following(self, env: EnvironmentRef, after: str) -> Page | None:
        """What follows a version; ``None`` if whoever has it must ask by :meth:`next_page`.

        Raises:
            RelaysNotServed: as :meth:`next_page`.
            ListUnknown: the same.
        """
        known = Version.parse(after)
        return self._following(env, self._log.relay_shift(env), known, after)[0]

    def _following(
        self, env: EnvironmentRef, shift: int, known: Version | None, after: str
    ) -> tuple[Page | None, LogState]:
        current = known if known is not None and known.shift == shift else None
        point = None if current is None else current.at
        state = self._log.read(env, point, _entries_for(known))
        _require_kept(env, state)
        if current is None or not state.is_known:
            return None, state
        return self._go_on(env, current, state, after), state

    def _admit(self, env: EnvironmentRef, after: str, held: int) -> int:
        shift = self._log.admit(env, after, held)
        if shift is None:
            message = (
                f"version {after[:80]} is not known in environment {env.environment}, or too old: "
                "what its relay holds may be wrong; it can begin anew within ten minutes, or at "
                "once with an empty database"
            )
            raise RelayNotAdmitted(message)
        return shift

    def _go_on(self, env: EnvironmentRef, start: Version, state: LogState, after: str) -> Page:
        walk, entries = start.walk, state.entries
        if walk is None and entries and entries[0].is_whole:
            walk = Walk(all_lists=False, ref=entries[0].ref)
        if walk is None:
            patches, end = _take_entries(start, entries)
        else:
            refs = self._log.refs(env) if walk.all_lists else [walk.ref]
            patches, rest = self._walker.walk(env, walk, refs)
            is_sent = rest is None and not walk.all_lists
            end = replace(start, at=entries[0].at if is_sent else start.at, walk=rest)
        return _chain(patches, start, end, after)


def _entries_for(known: Version | None) -> int:
    """How many digests of the log are of use: in a walk through one list, only what began it."""
    if known is None or known.walk is None:
        return MOST_CHANGES
    return 0 if known.walk.all_lists else 1


def _require_kept(env: EnvironmentRef, state: LogState) -> None:
    if not state.is_kept:
        message = (
            f"environment {env.environment} has no log of changes for relays yet: its SDK store "
            "must be on, and a worker must run; retry in some seconds"
        )
        raise RelaysNotServed(message)


def _take_entries(start: Version, entries: Sequence[LogEntry]) -> tuple[list[NewPatch], Version]:
    """The changes up to the first entry that sends a whole list."""
    patches: list[NewPatch] = []
    end = start
    for entry in entries:
        if entry.is_whole:
            break
        included, excluded = (
            SideHashes(*entry.changes.get(side, _NOTHING)) for side in (INCLUDED, EXCLUDED)
        )
        patches.append((entry.ref, included, excluded))
        end = replace(end, at=entry.at)
    return patches, end


def _chain(changes: Sequence[NewPatch], start: Version, end: Version, after: str) -> Page:
    """Give patches their versions: all but the last lead to where the page begins.

    So a relay that stops within a page is sent the same again; that does no harm.
    """
    if not changes and str(end) == after:
        return Page((), after)
    patches, previous = list[Patch](), after
    for number, (ref, included, excluded) in enumerate(changes or [_NO_CHANGE], 1):
        version = str(end if number >= len(changes) else start)
        name = shifted(ref, end.shift) if ref else ""
        patches.append(Patch(name, previous, version, included, excluded))
        previous = version
    return Page(tuple(patches), previous)
