"""One environment whose sets this worker keeps: its lease, its switch, and what SDKs are told."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, Self

from worker.sdk_store.change_log import ChangeLog
from worker.sdk_store.environment_follower import EnvironmentFollower
from worker.sdk_store.errors import SdkStoreError
from worker.sdk_store.filling import Steps
from worker.sdk_store.list_source import ListSource
from worker.sdk_store.removing import remove_sets
from worker.sdk_store.sdk_sets import SdkSets
from worker.store import EnvironmentRef, Store, StoreError
from worker.store.errors import SdkSetsLost
from worker.store.monitoring import SDK_STORE_CONTEXTS, SDK_STORE_REBUILDS
from worker.store.sdk_store import FollowedList, SdkStoreClaim, SdkStoreState
from worker.store.server import Database

logger = logging.getLogger("bigseg.sdk_store")

#: Others take over after this time; a step takes well under it.
LEASE_MS: Final = 5_000
_RENEW_EVERY_MS: Final = 1_000
#: SDKs call what is older than two minutes stale.
_SYNCHRONIZE_EVERY_MS: Final = 5_000
#: Long work goes on for this long, before the feeds are read again.
_WORK_S: Final = 0.1
_MOST_REASON: Final = 500
_END: Final = object()


class KeptEnvironment:
    """The sets of one environment, as long as this worker has the lease."""

    def __init__(
        self,
        store: Store,
        claim: SdkStoreClaim,
        token: str,
        sets: SdkSets,
        source: ListSource,
        log: ChangeLog,
    ) -> None:
        """Open the sets; see :meth:`take`."""
        self._store = store
        self._env = claim.env
        self._claim = claim
        self._token = token
        self._sets = sets
        self._log = log
        self._state = claim.state or SdkStoreState(checked_ms=0)
        self._base = self._state.contexts_written
        self._recorded_writes = claim.writes
        self._task = self._open(source) if claim.settings.on else self._removal(source)
        self._renewed_ms = store.database.now_ms()
        self.ended = False
        """Whether this worker is to let go of it."""

    @classmethod
    def take(
        cls,
        store: Store,
        env: EnvironmentRef,
        token: str,
        connect: Callable[[], Database],
        source: ListSource,
        log: ChangeLog,
    ) -> Self | None:
        """Claim an environment, and open its sets; ``None`` while another worker keeps it.

        Sets that are not those of the records, or that have lost writes, get a new name, and all
        lists are compared with them.

        Raises:
            SdkStoreError: the sets cannot be kept; the state says why.
            StoreError: the same.
        """
        claim = store.sdk_store.claim(env, token, LEASE_MS)
        if claim is None:
            return None
        try:
            sets = SdkSets(connect(), claim.settings.prefix, token)
            return cls(store, claim, token, sets, source, log)
        except (SdkStoreError, StoreError) as exc:
            record_reason(store, claim, token, exc)
            raise

    def _removal(self, source: ListSource) -> Steps:
        name = self._store.database.random_name()
        return remove_sets(self._sets, source, self._claim, name)

    def _open(self, source: ListSource) -> EnvironmentFollower:
        whole = self._sets.open(self._claim.canary, self._claim.writes)
        follower = EnvironmentFollower(
            self._store, source, self._sets, self._claim, self._token, self._log
        )
        if not whole:
            follower.compare_all(empty=self._sets.are_empty(time.monotonic))
            name = self._store.database.random_name()
            lists = follower.lists.take_changed()
            rebuilds = self._state.rebuilds + (self._claim.canary is not None)
            self._state = replace(self._state, rebuilds=rebuilds, synchronized_ms=None)
            # Recorded first: sets without this name are compared again.
            if not self._store.sdk_store.put(
                self._env, self._token, lists=lists, canary=name, writes=0, state=self._state
            ):
                # Its sets are not to be taken from whoever has the lease now.
                message = f"another worker keeps the sets of environment {self._env.environment}"
                raise SdkSetsLost(message)
            self._sets.begin(name)
            self._recorded_writes = 0
            if self._claim.canary is not None:
                self._store.counting.add(SDK_STORE_REBUILDS)
                logger.warning("sdk_store.lost", extra=self._facts())
        return follower

    def step(self) -> bool:
        """Follow what has changed, and do a little of what takes long; whether more is to do.

        Raises:
            SdkSetsLost: the sets are not these any more, or another worker keeps them.
            SdkStoreError: the sets cannot be kept; the state says why.
            StoreError: the same. The environment is to be taken anew.
        """
        try:
            return self._step()
        except (SdkStoreError, StoreError) as exc:
            if not isinstance(exc, SdkSetsLost):
                known = replace(self._claim, state=self._state, writes=self._recorded_writes)
                record_reason(self._store, known, self._token, exc)
            raise

    def _step(self) -> bool:
        now_ms = self._store.database.now_ms()
        if now_ms >= self._renewed_ms + _RENEW_EVERY_MS:
            self._renew(now_ms)
        if self.ended:
            return False
        if isinstance(self._task, EnvironmentFollower):
            return self._keep(self._task)
        return self._remove(self._task)

    def _keep(self, follower: EnvironmentFollower) -> bool:
        more = follower.follow()
        more |= self._work(follower)
        self._record(follower)
        self._tell(follower)
        return more

    def _work(self, follower: EnvironmentFollower) -> bool:
        ends_s = time.monotonic() + _WORK_S
        while follower.work():
            if time.monotonic() >= ends_s:
                return True
        return False

    def _record(self, follower: EnvironmentFollower) -> None:
        changed = follower.lists.take_changed()
        if not changed:
            return
        if not self._put(lists=changed):
            self.ended = True
            return
        follower.after_recording(tuple(changed))

    def _tell(self, follower: EnvironmentFollower) -> None:
        """Tell SDKs that the sets are current, if they are."""
        now_ms, current_ms = self._store.database.now_ms(), follower.caught_up_ms
        if follower.behind or current_ms is None or self.ended:
            return
        told_ms = self._state.synchronized_ms
        if told_ms is None or now_ms >= told_ms + _SYNCHRONIZE_EVERY_MS:
            self._sets.check()
            self._sets.synchronize(current_ms)
            self._state = replace(self._state, synchronized_ms=current_ms)

    def _renew(self, now_ms: int) -> None:
        """Keep the lease, record how the sets are, and look whether they are still there."""
        renewed = self._store.sdk_store.renew(self._env, self._token, LEASE_MS)
        if renewed is None or renewed[0] != self._claim.settings:
            self.ended = True
            return
        if renewed[1] != self._recorded_writes:
            # Another worker has kept them meanwhile, or the store has lost its last writes.
            self._forget_name(renewed[1])
            self.ended = True
            return
        if isinstance(self._task, EnvironmentFollower):
            self._sets.check()
            self._put(state=self._current(self._task, now_ms))
        self._renewed_ms = now_ms

    def _forget_name(self, recorded: int) -> None:
        """Have all compared if the store is back at what it was before."""
        if recorded < self._recorded_writes:
            logger.warning("sdk_store.rewound", extra=self._facts())
            name = self._store.database.random_name()
            self._store.sdk_store.put(self._env, self._token, writes=recorded, canary=name)

    def _current(self, follower: EnvironmentFollower, now_ms: int) -> SdkStoreState:
        alive, contexts = follower.lists.alive(), self._base + follower.contexts
        written = contexts - self._state.contexts_written
        self._store.counting.add(SDK_STORE_CONTEXTS, number=written)
        self._state = replace(
            self._state,
            checked_ms=now_ms,
            caught_up_ms=follower.caught_up_ms or self._state.caught_up_ms,
            lists=len(alive),
            held=sum(follower.lists[name].held for name in alive),
            behind=follower.behind,
            contexts_written=contexts,
            reason=None,
        )
        return self._state

    def _put(
        self,
        lists: Mapping[str, FollowedList | None] | None = None,
        state: SdkStoreState | None = None,
    ) -> bool:
        """Record what the sets hold; whether this worker still has the lease."""
        writes = self._sets.writes
        done = self._store.sdk_store.put(
            self._env, self._token, writes=writes, lists=lists, state=state
        )
        self._recorded_writes = writes
        return done

    def _remove(self, removal: Steps) -> bool:
        """Do one step of the removal; whether there is more to do."""
        if next(removal, _END) is not _END:
            return True
        self._log.forget(self._env)
        self._store.sdk_store.forget(self._env, self._token, self._claim.settings)
        logger.info("sdk_store.removed", extra=self._facts())
        self.ended = True
        return False

    def _facts(self) -> dict[str, str]:
        return {"environment": f"{self._env.project}/{self._env.environment}"}


def record_reason(store: Store, claim: SdkStoreClaim, token: str, exc: Exception) -> None:
    """Record why the sets of an environment cannot be kept, if the store takes it."""
    state = claim.state or SdkStoreState(checked_ms=0)
    state = replace(state, checked_ms=store.database.now_ms(), reason=str(exc)[:_MOST_REASON])
    with suppress(StoreError):
        store.sdk_store.put(claim.env, token, writes=claim.writes, state=state)
