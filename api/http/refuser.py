"""Sends refusals, each logged under an id that its answer names."""

from collections.abc import Callable, Sequence

from api.errors import BROKEN, ApiError, log_failure, log_refusal
from api.http.asgi import Header, Send
from api.http.dialects import Dialect
from api.http.exchange import answer
from api.http.refusals import error_headers


class Refuser:
    """Answers requests that are refused or that failed."""

    def __init__(self, ids: Callable[[], str]) -> None:
        self._ids = ids

    async def refuse(
        self, error: ApiError, dialect: Dialect, send: Send, headers: Sequence[Header] = ()
    ) -> int:
        """Send a refusal; returns its status."""
        error_id = self._ids()
        log_refusal(error, error_id)
        body = dialect.render_error(error, error_id)
        await answer(send, error.status, body, (*error_headers(error), *headers))
        return error.status

    async def report(self, exc: Exception, dialect: Dialect, send: Send) -> int:
        """Log an error that nothing expected, and answer 500, which it returns."""
        error_id = self._ids()
        log_failure(exc, error_id)
        await answer(send, BROKEN.status, dialect.render_error(BROKEN, error_id))
        return BROKEN.status
