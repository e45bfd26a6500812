"""A thread that polls a list while it changes and remembers what it should not have seen."""

import threading
from collections.abc import Hashable, Sequence
from typing import Final, Self

from worker.store import ListRef, ListUnknown, Membership, SegmentNotFound, Store

Answers = tuple[Membership, ...]
#: What a deleted list answers.
GONE: Final = "gone"
_UNKNOWN: Final = "unknown"
_PAUSE_S: Final = 0.000_5


class PollingReader:
    """Polls fixed keys; every answer must be a state the list was in during that poll.

    The test announces each state before it goes there and says when it has arrived.
    """

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store, self._keys = store, keys
        self._lock = threading.Lock()
        self._ref: ListRef | None = None
        self._watch = 0
        self._history: list[Hashable] = []
        self._reached = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.polls = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def watch(self, ref: ListRef, now: Hashable) -> None:
        """Poll this list from now on."""
        with self._lock:
            self._ref, self._history, self._reached = ref, [now], 0
            self._watch += 1

    def look_away(self) -> None:
        """Poll nothing, and forget the poll that is going on."""
        with self._lock:
            self._ref = None
            self._watch += 1

    def expect(self, state: Hashable) -> None:
        """Announce a state; from now on it may be read."""
        with self._lock:
            self._history.append(state)

    def arrived(self) -> None:
        """Say that a poll that begins now cannot read an earlier state any more."""
        with self._lock:
            self._reached = len(self._history) - 1

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_S):
            with self._lock:
                ref, watch, first = self._ref, self._watch, self._reached
            if ref is None:
                continue
            seen = self._look(ref)
            with self._lock:
                allowed = self._history[first:]
                forgotten = watch != self._watch
            self.polls += 1
            if not forgotten and seen not in allowed and not (seen == _UNKNOWN and GONE in allowed):
                self.wrong.append(f"read {seen}, but the list was only in {allowed}")

    def _look(self, ref: ListRef) -> Hashable:
        try:
            return tuple(self._store.memberships.look_up(ref, self._keys))
        except SegmentNotFound:
            return GONE
        except ListUnknown:
            return _UNKNOWN  # right only after a deleted list has been reclaimed to the last key
