"""Sends refusals, each logged under an id that its answer names."""

import math
from collections.abc import Callable, Sequence

from api.errors import BROKEN, ApiError, RateLimited, log_failure, log_refusal
from api.http.asgi import Header, Send
from api.http.dialects import Dialect
from api.http.exchange import answer
from api.http.refusals import error_headers


class Refuser:
    """Answers requests that are refused or that failed."""

    def __init__(self, ids: Callable[[], str], clock: Callable[[], int]) -> None:
        """Take the parts.

        Args:
            ids: of refusals.
            clock: Unix milliseconds.
        """
        self._ids = ids
        self._clock = clock

    async def refuse(
        self, error: ApiError, dialect: Dialect, send: Send, headers: Sequence[Header] = ()
    ) -> int:
        """Send a refusal; returns its status."""
        error_id = self._ids()
        log_refusal(error, error_id)
        body = dialect.render_error(error, error_id)
        await answer(send, error.status, body, (*self._headers(error, dialect), *headers))
        return error.status

    def _headers(self, error: ApiError, dialect: Dialect) -> tuple[Header, ...]:
        headers = error_headers(error)
        if dialect.says_retry_after and isinstance(error, RateLimited) and error.resets_ms:
            wait_s = math.ceil((error.resets_ms - self._clock()) / 1_000)
            headers += ((b"retry-after", b"%d" % max(1, wait_s)),)
        return headers

    async def report(self, exc: Exception, dialect: Dialect, send: Send) -> int:
        """Log an error that nothing expected, and answer 500, which it returns."""
        error_id = self._ids()
        log_failure(exc, error_id)
        await answer(send, BROKEN.status, dialect.render_error(BROKEN, error_id))
        return BROKEN.status
