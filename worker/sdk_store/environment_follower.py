"""Keeps the sets of one environment as its lists are."""

import logging
from collections.abc import Sequence
from typing import Final

from worker.sdk_store.change_log import ChangeLog
from worker.sdk_store.comparing import compare
from worker.sdk_store.filling import Steps, Work, begin, fill, follow_flip
from worker.sdk_store.followed_lists import FollowedLists
from worker.sdk_store.list_source import ListSource
from worker.sdk_store.sdk_sets import SdkSets
from worker.sdk_store.set_writer import SetWriter
from worker.store import ListUnknown, Segment, SegmentNotFound, Store
from worker.store.lists import FeedEntries, FeedLost, FeedPosition, ListGone
from worker.store.sdk_store import SdkStoreClaim

logger = logging.getLogger("bigseg.sdk_store")

#: Lists that are filled, or followed to another revision, at the same time.
_AT_ONCE: Final = 3
#: How often a scan looks for what is left of deleted lists.
_SWEEP_EVERY_MS: Final = 10_000
#: A list that is not whole on its server is tried again after this time.
_RETRY_MS: Final = 5_000
_FORGET_AFTER_MS: Final = 60_000
_END: Final = object()
#: The pins last an hour.
RENEW_EVERY_MS: Final = 600_000


class EnvironmentFollower:
    """Follows the lists of one environment, under the lease that it was given.

    What it knows is recorded after it is in the sets, so whoever follows next repeats a little.
    After any error nothing is known of what was written last: a new follower begins from the
    records.
    """

    def __init__(
        self,
        store: Store,
        source: ListSource,
        sets: SdkSets,
        claim: SdkStoreClaim,
        token: str,
        log: ChangeLog,
    ) -> None:
        """Go on from what was recorded.

        Args:
            store: The lists.
            source: Their feeds and members.
            sets: Opened, and named.
            claim: The records.
            token: Of the lease.
            log: Where changes are logged.
        """
        self._store = store
        self._env = claim.env
        self._sets = sets
        self._token = token
        self._log = log
        self.lists = FollowedLists(claim.env, claim.lists)
        self._writer = SetWriter(claim.env, token, sets, log)
        self._work = Work(self.lists, source, self._writer)
        self._source = source
        self._segments: Sequence[Segment] | None = None
        self._running: dict[str, Steps] = {}
        self._comparison: Steps | None = None
        self._compared: frozenset[str] = frozenset()
        self._swept_ms = 0
        self._unknown = False
        self._empty = False
        self._has_more = False
        self._retry_ms: dict[str, int] = {}
        self._renewed_ms: int | None = None
        self.caught_up_ms: int | None = None
        """When the sets last were what the lists were, Unix ms."""

    @property
    def contexts(self) -> int:
        """Additions and removals by this follower."""
        return self._writer.contexts

    @property
    def behind(self) -> int:
        """Lists that are being filled or compared, or that wait for it."""
        return len(self._busy() | {*self.lists.unfilled(), *self.lists.to_compare()})

    def compare_all(self, *, empty: bool) -> None:
        """Have all lists compared with the sets.

        Args:
            empty: Whether the sets hold nothing; otherwise they may hold anything.
        """
        for name in self.lists.alive():
            self.lists.mark(name, whole=True)
        self._unknown, self._empty, self._swept_ms = not empty, empty, 0
        self._log.restart(self._env, self._token)

    def follow(self) -> bool:
        """Apply what has changed since the last time, but for lists that are worked on.

        Cost: three round trips, and one or two for each list that has changed.

        Returns:
            Whether there may be more, because of each list only a part is read at a time.
        """
        now_ms = self._store.database.now_ms()
        self._notice_lists(now_ms)
        self._renew(now_ms)
        self._log.keep(self._env, self._token, self.lists.alive())
        names = [name for name in self.lists.alive() if name not in self._busy()]
        names = [name for name in names if self.lists[name].held and not self.lists[name].whole]
        positions = [FeedPosition(self.lists.ref(name), self.lists[name].after) for name in names]
        self._has_more = False
        for name, found in zip(names, self._source.read(positions), strict=True):
            self._take(name, found)
        self._start_work(now_ms)
        if self._segments is not None and not self.behind and not self._has_more:
            self.caught_up_ms = now_ms
        return self._has_more

    def _notice_lists(self, now_ms: int) -> None:
        """Find new and deleted lists."""
        segments = self._store.segments.read_remaining(self._env)
        if segments is self._segments:
            return
        there = {segment.ref.name for segment in segments if segment.unbounded}
        for name in self.lists.alive():
            if name not in there:
                self._forget(name)
        failed = False
        for name in there:
            if name not in self.lists:
                failed |= not self._begin(name, now_ms)
        # Those that could not be pinned are looked for again.
        self._segments = None if failed else segments

    def _begin(self, name: str, now_ms: int) -> bool:
        if now_ms < self._retry_ms.get(name, 0):
            return False
        self._log.restart(self._env, self._token, name)
        try:
            begin(self._work, name, whole=self._unknown)
        except SegmentNotFound:
            return False
        except ListUnknown:
            self._postpone(name, now_ms)
            return False
        return True

    def _forget(self, name: str) -> None:
        self.lists.mark(name, gone=True)
        work = self._running.pop(name, None)
        if work is not None:
            work.close()

    def _renew(self, now_ms: int) -> None:
        if self._renewed_ms is not None and now_ms < self._renewed_ms + RENEW_EVERY_MS:
            return
        for name in self.lists.alive():
            try:
                self._source.follow(self.lists.ref(name), self.lists[name].holder)
            except (SegmentNotFound, ListUnknown):
                # Its feed, or its definition, says the same.
                continue
        self._renewed_ms = now_ms

    def _take(self, name: str, found: FeedEntries | FeedLost | ListGone) -> None:
        match found:
            case FeedLost():
                logger.info("sdk_store.overtaken", extra={"list": name})
                self.lists.mark(name, whole=True)
            case ListGone():
                self._forget(name)
            case FeedEntries(ops, flip, after):
                self._has_more |= found.may_be_cut
                if ops:
                    self._writer.apply(name, ops)
                if flip is not None:
                    self._running[name] = follow_flip(self._work, name, flip, after)
                elif after != self.lists[name].after:
                    self.lists.mark(name, after=after)

    def _start_work(self, now_ms: int) -> None:
        for name in self.lists.unfilled():
            if name not in self._busy():
                self._running[name] = fill(self._work, name)
        if self._comparison is not None:
            return
        names = [
            name
            for name in self.lists.to_compare()
            if name not in self._busy() and now_ms >= self._retry_ms.get(name, 0)
        ]
        sweeps = (self._unknown or self.lists.gone()) and now_ms >= self._swept_ms + _SWEEP_EVERY_MS
        if names or sweeps:
            self._compared, self._swept_ms = frozenset(names), now_ms
            scans, self._unknown = not self._empty, False
            if names:
                self._log.restart(self._env, self._token)
            self._comparison = compare(
                self._work, self._sets, names, self._postpone_compared, scans=scans
            )
        self._empty = False

    def _busy(self) -> set[str]:
        return {*self._running, *self._compared}

    def work(self) -> bool:
        """Do one step of what takes long; whether there is more to do."""
        for name, steps in [*self._running.items()][:_AT_ONCE]:
            if self._step(steps, name):
                # To the end, so that others have their turn.
                self._running[name] = self._running.pop(name)
            else:
                self._running.pop(name, None)
        if self._comparison is not None and next(self._comparison, _END) is _END:
            self._comparison, self._compared = None, frozenset()
        return bool(self._running) or self._comparison is not None

    def _step(self, steps: Steps, name: str) -> bool:
        try:
            return next(steps, _END) is not _END
        except (ListUnknown, SegmentNotFound) as exc:
            # Freed, deleted or damaged: compared whole once it can be read.
            facts = {"list": name, "error": type(exc).__name__}
            logger.warning("sdk_store.postponed", extra=facts)
            self.lists.mark(name, whole=True)
            self._postpone(name, self._store.database.now_ms())
            return False

    def _postpone_compared(self, name: str) -> None:
        self._postpone(name, self._store.database.now_ms())

    def _postpone(self, name: str, now_ms: int) -> None:
        """Try a list again: at once, and some seconds later if that was tried."""
        tried_ms = self._retry_ms.get(name)
        at_once = tried_ms is None or now_ms > tried_ms + _FORGET_AFTER_MS
        self._retry_ms[name] = now_ms if at_once else now_ms + _RETRY_MS

    def after_recording(self, changed: Sequence[str]) -> None:
        """Let go of what the records say is in the sets.

        Args:
            changed: The lists whose records were written.
        """
        for name in changed:
            if name in self.lists and not self.lists[name].gone and name not in self._busy():
                self._source.trim(self.lists.ref(name), self.lists[name].after)
