"""Rate limits as clients see them: headers of LaunchDarkly's names, on answers and refusals.

No ``Retry-After`` here: LaunchDarkly documents it for limits by address only, and the Python
client would block on it; clients that wait (Terraform's) wait for ``X-Ratelimit-Reset``. Refusals
of another dialect may add it.
"""

from functools import lru_cache
from typing import Final

from api.http.asgi import Header
from api.http.connections.refusals import render_headers
from api.http.limits.limits import Count, Standing

_GLOBAL_LIMIT: Final = b"x-ratelimit-global-limit"
_GLOBAL_REMAINING: Final = b"x-ratelimit-global-remaining"
_ROUTE_LIMIT: Final = b"x-ratelimit-route-limit"
_ROUTE_REMAINING: Final = b"x-ratelimit-route-remaining"
_RESET: Final = b"x-ratelimit-reset"
_TOKEN_LIMIT: Final = b"x-ratelimit-auth-token-limit"
_TOKEN_REMAINING: Final = b"x-ratelimit-auth-token-remaining"
_TOKEN_RESET: Final = b"x-ratelimit-auth-token-reset"

_REMAINING: Final = frozenset({_GLOBAL_REMAINING, _ROUTE_REMAINING, _TOKEN_REMAINING})

#: In the spelling of the documentation, for browsers' lists of readable headers.
HEADER_NAMES: Final = (
    "X-Ratelimit-Global-Limit",
    "X-Ratelimit-Global-Remaining",
    "X-Ratelimit-Route-Limit",
    "X-Ratelimit-Route-Remaining",
    "X-Ratelimit-Reset",
    "X-Ratelimit-Auth-Token-Limit",
    "X-Ratelimit-Auth-Token-Remaining",
    "X-Ratelimit-Auth-Token-Reset",
)


def limit_headers(standing: Standing) -> tuple[Header, ...]:
    """The headers for a request; none for a limit that was not applied.

    Cost: about a microsecond. Source: the overview of LaunchDarkly's REST API.
    """
    token, route, account, resets_ms = standing
    if not resets_ms:
        return ()
    # All windows end together, so a client may know either of the two names.
    reset = _number(resets_ms)
    headers = [(_RESET, reset)]
    if account is not None:
        headers += [
            (_GLOBAL_LIMIT, _number(account.cap)),
            (_GLOBAL_REMAINING, b"%d" % account.remaining),
        ]
    if route is not None:
        headers += [
            (_ROUTE_LIMIT, _number(route.cap)),
            (_ROUTE_REMAINING, b"%d" % route.remaining),
        ]
    if token is not None:
        headers += [
            (_TOKEN_LIMIT, _number(token.cap)),
            (_TOKEN_REMAINING, b"%d" % token.remaining),
            (_TOKEN_RESET, reset),
        ]
    return tuple(headers)


def limit_lines(standing: Standing) -> bytes:
    """The same headers as the lines of a head. Cost: under a microsecond."""
    token, route, account, resets_ms = standing
    if not resets_ms:
        return b""
    lines = _lines(
        None if token is None else token.cap,
        None if route is None else route.cap,
        None if account is None else account.cap,
        resets_ms,
    )
    counts = (account, route, token)  # in the order of the headers
    return lines % tuple([count.remaining for count in counts if count is not None])


@lru_cache(maxsize=16)
def _lines(
    token_cap: int | None, route_cap: int | None, account_cap: int | None, resets_ms: int
) -> bytes:
    """The lines of one window, but for what remains, which is another number each time."""
    caps = (token_cap, route_cap, account_cap)
    token, route, account = [None if cap is None else Count(cap, 0) for cap in caps]
    headers = limit_headers(Standing(token, route, account, resets_ms))
    return render_headers((name, b"%d" if name in _REMAINING else value) for name, value in headers)


@lru_cache(maxsize=256)
def _number(value: int) -> bytes:
    """Limits and resets, which are the same for many requests."""
    return b"%d" % value
