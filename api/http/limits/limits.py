"""How many requests are served in ten seconds, independent of a dialect.

Requests are counted in fixed windows of ten seconds that begin at whole multiples of ten
of the wall clock, so that all limits reset at the same moment and several processes agree
on it. Look-ups are counted in this process, all else in a Redis that the API processes
share; when Redis does not answer, requests are served uncounted.

Only requests with a known token are counted: refusing an unknown token costs as little as
refusing one request too many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from api.errors import RateLimited

WINDOW_S: Final = 10
_WINDOW_MS: Final = WINDOW_S * 1_000


@dataclass(frozen=True, slots=True)
class Caps:
    """Most requests in one window; 0 means any number."""

    account: int
    """Of all tokens to all API processes, look-ups apart."""
    token: int
    """Of one token to all API processes, look-ups apart."""
    route: int
    """Of all tokens to one route and method of all API processes."""
    lookup_token: int
    """Look-ups of one token to one process."""
    lookup_route: int
    """Look-ups of all tokens by one route of one process."""


# Named tuples, because a look-up makes three of these and a frozen dataclass is slow to make.
class Count(NamedTuple):
    """Where a request stands against one limit."""

    cap: int
    used: int
    """Requests of this window, this one among them."""

    @property
    def remaining(self) -> int:
        """Requests that are still served in this window."""
        return self.cap - self.used if self.used < self.cap else 0

    @property
    def exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.cap


class Standing(NamedTuple):
    """Where a request stands; ``None`` for a limit that was not applied to it."""

    token: Count | None = None
    route: Count | None = None
    account: Count | None = None
    resets_ms: int = 0
    """Unix milliseconds at which all windows reset."""

    @property
    def exceeded(self) -> bool:
        """Whether a limit is exceeded."""
        token, route, account, _ = self
        return (
            (token is not None and token.used > token.cap)
            or (route is not None and route.used > route.cap)
            or (account is not None and account.used > account.cap)
        )

    def require(self) -> None:
        """Make sure that no limit is exceeded.

        Raises:
            RateLimited: one is. Safe to retry in the next window.
        """
        token, route, account, resets_ms = self
        if token is not None and token.used > token.cap:
            raise _limit_error(token, "with this token", resets_ms)
        if route is not None and route.used > route.cap:
            raise _limit_error(route, "to this route", resets_ms)
        if account is not None and account.used > account.cap:
            raise _limit_error(account, "to this account", resets_ms)


#: Nothing limits the request, or it could not be counted.
UNLIMITED: Final = Standing()


class SharedCounts(Protocol):
    """Counts that all API processes share."""

    async def add(self, window: int, names: Sequence[str]) -> list[int] | None:
        """Count one request under each name.

        Returns:
            The count of each name in this window, or ``None`` if it could not be counted.
        """

    async def close(self) -> None:
        """Release its connections. Idempotent."""


class Limits:
    """Counts requests against the caps; for one event loop.

    Memory: one number per token and per route seen in this window.
    """

    def __init__(self, caps: Caps, shared: SharedCounts, *, clock: Callable[[], int]) -> None:
        """Count nothing yet.

        Args:
            caps: the limits.
            shared: counts everything but look-ups.
            clock: Unix milliseconds.
        """
        self._caps = caps
        self._shared = shared
        self._clock = clock
        self._window = 0
        self._tokens: dict[str, int] = {}
        self._routes: dict[bytes, int] = {}
        self._spent: dict[str, Count] = {}
        self._lookups_count = bool(caps.lookup_token or caps.lookup_route)
        self._requests_count = bool(caps.token or caps.route or caps.account)

    def look_up(self, token_id: str, route: bytes) -> Standing:
        """Count one look-up. Cost: about 2 µs; nothing leaves the process.

        Args:
            token_id: whose it is.
            route: which of the look-ups' routes it uses.
        """
        if not self._lookups_count:
            return UNLIMITED
        window = self._start_window()
        caps = self._caps
        token = by_route = None
        if caps.lookup_token:
            used = self._tokens[token_id] = self._tokens.get(token_id, 0) + 1
            token = Count(caps.lookup_token, used)
        # What is refused to one token does not count against the others.
        if caps.lookup_route and (token is None or token.used <= token.cap):
            used = self._routes[route] = self._routes.get(route, 0) + 1
            by_route = Count(caps.lookup_route, used)
        return Standing(token, by_route, None, (window + 1) * _WINDOW_MS)

    async def request(self, token_id: str, route: str) -> Standing:
        """Count any other request. Cost: two round trips, or none once a limit is exceeded.

        Args:
            token_id: whose it is.
            route: the route's template and the method.
        """
        if not self._requests_count:
            return UNLIMITED
        window, caps = self._start_window(), self._caps
        resets_ms = (window + 1) * _WINDOW_MS
        token = account = by_route = None
        if caps.token:
            [token] = await self._add(window, ((f"token:{token_id}", caps.token),))
        if token is None or not token.exceeded:
            named = [(f"route:{route}", caps.route), ("account", caps.account)]
            by_route, account = await self._add(window, named)
        if token is by_route is account is None:
            return UNLIMITED
        return Standing(token, by_route, account, resets_ms)

    async def close(self) -> None:
        """Close what counts. Idempotent."""
        await self._shared.close()

    def _start_window(self) -> int:
        window = self._clock() // _WINDOW_MS
        if window != self._window:
            self._window = window
            self._tokens, self._routes, self._spent = {}, {}, {}
        return window

    async def _add(self, window: int, caps: Sequence[tuple[str, int]]) -> list[Count | None]:
        """Count under those names that have a cap; a flood of refusals costs no round trip."""
        for name, _ in caps:
            if name in self._spent:
                return [self._spent.get(named) for named, _ in caps]
        names = [name for name, cap in caps if cap]
        totals = await self._shared.add(window, names) if names else None
        if totals is None:
            return [None] * len(caps)
        used = dict(zip(names, totals, strict=True))
        counts = [Count(cap, used[name]) if cap else None for name, cap in caps]
        if window == self._window:
            for (name, _), count in zip(caps, counts, strict=True):
                if count is not None and count.exceeded:
                    self._spent[name] = count
        return counts


def _limit_error(count: Count, whose: str, resets_ms: int) -> RateLimited:
    most = f"more than {count.cap:,} requests {whose} in {WINDOW_S} seconds"
    message = f"API rate limit exceeded: {most}; wait for the next window"
    return RateLimited.of_limit(message, total=count.cap, resets_ms=resets_ms)
