"""Rate limits as clients see them: headers of LaunchDarkly's names, on answers and refusals.

No ``Retry-After``: LaunchDarkly documents it for limits by address only, and the Python
client would block on it; clients that wait (Terraform's) wait for ``X-Ratelimit-Reset``.
"""

from functools import lru_cache
from typing import Final

from api.http.asgi import Header
from api.http.limits.limits import Standing

_GLOBAL_LIMIT: Final = b"x-ratelimit-global-limit"
_GLOBAL_REMAINING: Final = b"x-ratelimit-global-remaining"
_ROUTE_LIMIT: Final = b"x-ratelimit-route-limit"
_ROUTE_REMAINING: Final = b"x-ratelimit-route-remaining"
_RESET: Final = b"x-ratelimit-reset"
_TOKEN_LIMIT: Final = b"x-ratelimit-auth-token-limit"
_TOKEN_REMAINING: Final = b"x-ratelimit-auth-token-remaining"
_TOKEN_RESET: Final = b"x-ratelimit-auth-token-reset"

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


@lru_cache(maxsize=256)
def _number(value: int) -> bytes:
    """Limits and resets, which are the same for many requests."""
    return b"%d" % value
