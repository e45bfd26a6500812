"""The store's access tokens and SDK keys in memory, never more than a second behind the store.

Each process asks about four times a second whether a token was changed, and reads all again
only then. What it knows is relied on for a moment after it last asked; then it asks before it
answers, and if the store does not answer, neither does it. A token that it does not know is
asked for at once: another process may have created it a moment ago.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from api.access.auth import ADMIN_TOKEN_ID, Caller, KnownToken, Role, Use
from api.access.scope import AccessScope
from worker.store import (
    AccessToken,
    Grant,
    ListUnknown,
    SdkKey,
    Store,
    StoreError,
    StoreUnavailable,
)

#: Seconds between two questions; and how long an answer is relied on.
_POLL_S: Final = 0.25
_TRUST_S: Final = 0.9
#: Unknown tokens cannot make a process ask more often than this.
_SPACING_S: Final = 0.05
#: Unknown tokens that may wait for an answer at one time. One more is unknown at once, by what
#: was read last: at most ``_POLL_S`` ago while the store answers.
MOST_WAITING: Final = 32
#: Unknown tokens that are remembered: whoever sends one again is refused without a question.
_MOST_REFUSED: Final = 1024
#: How often the use of one token is recorded in the store.
_NOTE_EVERY_MS: Final = 60_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One token, and what each of its valid secrets stands for."""

    token: AccessToken
    use: Use
    secrets: tuple[tuple[bytes, KnownToken], ...]


class TokenDirectory:
    """All valid tokens and SDK keys by the SHA-256 of their secret; for one event loop.

    A thread of its own asks the store, so that nothing else can delay that.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        clock: Callable[[], int],
        timeout_s: float,
        note_read: Callable[[float], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            store: gives the opened store; may block.
            clock: Unix milliseconds.
            timeout_s: how long a request waits for the store's answer.
            note_read: is told the moment at which all tokens were known.
            monotonic: seconds.
        """
        self._store = store
        self._clock = clock
        self._timeout_s = timeout_s
        self._note_read = note_read
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="access-tokens")
        self._by_digest: dict[bytes, KnownToken] = {}
        self._by_id: dict[str, _Entry] = {}
        self._refused: dict[bytes, None] = {}  # a set in the order of what was added
        self._changed: str | None = None
        self._asked_at = self._fresh_at = self._invalidated_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._waiting = 0
        self._failing = False
        self._notes_wait_until_ms = 0

    def find(self, digest: bytes) -> KnownToken | None:
        """Give what is known for certain now. Cost: well under a microsecond."""
        if self._fresh_at < self._since():
            return None
        return self._by_digest.get(digest)

    async def ask(self, digest: bytes) -> KnownToken | None:
        """Ask the store; requests that wait share one question.

        While many unknown tokens are tried, one that was created a moment ago may be among
        those that are not asked for: it then works a quarter of a second later. So does one that
        was tried before it was created; whoever repeats an unknown one costs no question.

        Raises:
            StoreUnavailable: no answer in time. Safe to retry.
            ListUnknown: it has lost its tokens.
        """
        since = self._since()
        if digest in self._by_digest or digest in self._refused:
            await self._ask_since(since)
        elif self._waiting < MOST_WAITING or self._fresh_at < since:
            self._waiting += 1
            try:
                await self._ask_since(self._monotonic())
            finally:
                self._waiting -= 1
            self._remember(digest)
        return self._by_digest.get(digest)

    def _remember(self, digest: bytes) -> None:
        if digest not in self._by_digest:
            self._refused[digest] = None
            if len(self._refused) > _MOST_REFUSED:
                del self._refused[next(iter(self._refused))]

    def last_known(self, digest: bytes) -> KnownToken | None:
        """Give what the store said when it last answered, however long ago that is."""
        return self._by_digest.get(digest)

    def is_valid(self, digest: bytes) -> bool:
        """Whether a token or an SDK key was valid when the store last answered, and is not over."""
        known = self._by_digest.get(digest)
        return known is not None and not known.is_over(self._clock())

    def still_allows(self, caller: Caller) -> bool:
        """Whether the token of a request that goes on is valid and may do what it might then.

        As the store said when it last answered. The admin token of the settings always is.
        """
        if caller.token_id == ADMIN_TOKEN_ID:
            return True
        entry = self._by_id.get(caller.token_id)
        if entry is None:
            return False
        now_ms = self._clock()
        return any(
            not known.is_over(now_ms)
            and known.caller.role >= caller.role
            and known.caller.scope.grants == caller.scope.grants
            for _, known in entry.secrets
        )

    def invalidate(self) -> None:
        """Rely on nothing read before now: this process has changed a token. From any thread."""
        self._invalidated_at = self._monotonic()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep up with the store meanwhile."""
        task = asyncio.create_task(self._keep_up())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await self._note(every_ms=0)
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _keep_up(self) -> None:
        while True:
            try:
                await self._ask_since(self._monotonic())
            except StoreError as exc:
                if not self._failing:
                    _log.warning("tokens.unavailable", reason=str(exc))
                self._failing = True
            else:
                self._failing = False
                await self._note_in_time()
            await asyncio.sleep(_POLL_S)

    def _since(self) -> float:
        """Answers to questions asked before this moment are not relied on now."""
        return max(self._monotonic() - _TRUST_S, self._invalidated_at)

    async def _ask_since(self, moment: float) -> None:
        """Wait for the answer to a question asked at this moment or later."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while self._fresh_at < moment:
                    await asyncio.shield(self._question())
        except TimeoutError as exc:
            raise StoreUnavailable("access tokens could not be checked in time; retry") from exc

    def _question(self) -> "asyncio.Task[None]":
        # One that has ended is not reused, even before its callback has run: waiting for it would
        # return at once, and a loop around that would never let the callback run.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_store())
            self._asking.add_done_callback(self._asked)
        return self._asking

    def _asked(self, task: "asyncio.Task[None]") -> None:
        if self._asking is task:
            self._asking = None
        if not task.cancelled():
            task.exception()  # those who waited have it, or have gone

    async def _ask_store(self) -> None:
        await asyncio.sleep(max(0.0, self._asked_at + _SPACING_S - self._monotonic()))
        asked_at = self._asked_at = self._monotonic()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._catch_up)
        self._fresh_at = asked_at
        self._note_read(asked_at)

    def _catch_up(self) -> None:
        """In the thread: read all tokens and SDK keys if one was changed."""
        store = self._store()
        tokens = store.access_tokens
        changed = tokens.changed()
        if changed == self._changed:
            return
        if changed is None:
            raise ListUnknown("the store has lost its access tokens; restore it or make new ones")
        found, entries, unreadable = tokens.read(), {}, []
        for token in found.tokens:
            try:
                entries[token.id] = self._entry(token)
            except (KeyError, ValueError):  # of another release; the others must still work
                unreadable.append(token.id)
        # Read after the mark of changes: one that is newer than it is read again.
        sdk_keys = store.sdk_keys.read()
        unreadable += [*found.unreadable, *sdk_keys.unreadable]
        if unreadable:
            _log.warning("tokens.unreadable", tokens=unreadable)
        self._by_id = entries
        self._by_digest = dict(pair for entry in entries.values() for pair in entry.secrets)
        self._by_digest |= {bytes.fromhex(key.id): _known_sdk_key(key) for key in sdk_keys.keys}
        self._changed = found.changed

    def _entry(self, token: AccessToken) -> _Entry:
        before = self._by_id.get(token.id)
        if before is not None and before.token == token:
            return before
        return _entry_of(token, Use() if before is None else before.use)

    async def _note_in_time(self) -> None:
        if self._clock() < self._notes_wait_until_ms:
            return
        try:
            await self._note(every_ms=_NOTE_EVERY_MS)
        except StoreError as exc:
            self._notes_wait_until_ms = self._clock() + _NOTE_EVERY_MS
            _log.warning("token_use.postponed", reason=str(exc))

    async def _note(self, *, every_ms: int) -> None:
        now_ms = self._clock()
        seen = {
            entry.token.id: entry.use.seen_ms
            for entry in self._by_id.values()
            if entry.use.seen_ms > entry.use.noted_ms and now_ms - entry.use.noted_ms >= every_ms
        }
        if seen:
            loop, entries = asyncio.get_running_loop(), self._by_id
            await loop.run_in_executor(
                self._thread, lambda: self._store().access_tokens.note_used(seen)
            )
            for token_id, seen_ms in seen.items():
                entries[token_id].use.noted_ms = seen_ms


def _entry_of(token: AccessToken, use: Use) -> _Entry:
    role, scope = Role[token.role.upper()], AccessScope(token.grants)
    caller = Caller(token.name or f"token {token.id}", token.id, role, scope)
    secrets = [(bytes.fromhex(token.digest), KnownToken(caller, token.expires_ms, use))]
    if token.old_digest is not None and token.old_expires_ms is not None:
        end_ms = min(token.old_expires_ms, token.expires_ms or token.old_expires_ms)
        secrets.append((bytes.fromhex(token.old_digest), KnownToken(caller, end_ms, use)))
    return _Entry(token, use, tuple(secrets))


def _known_sdk_key(key: SdkKey) -> KnownToken:
    scope = AccessScope((Grant(project=key.project),))
    name = f"SDK key {key.label or key.beginning}"
    caller = Caller(name, f"sdk-key-{key.id}", Role.SDK_KEY, scope, key)
    return KnownToken(caller, key.expires_ms, Use())
