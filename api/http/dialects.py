"""Dialects: which API a path belongs to, and how that API words its refusals.

A request is refused in the words of its dialect also where nobody has routed it yet: without a
token, over a limit, with a head that is too large.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.errors import ApiError
from api.http.asgi import Asgi, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API: its paths, and how it words refusals."""

    name: str
    prefixes: tuple[bytes, ...]
    """What its undecoded paths begin with."""
    render_error: Callable[[ApiError, str], bytes]
    """Gives the body of a refusal, JSON, that names the id under which it is logged."""
    says_retry_after: bool = False
    """Whether a 429 has ``Retry-After``: some clients try again then, others block."""


class Dialects:
    """All dialects; what begins with no other's prefix is the main one's."""

    __slots__ = ("_by_prefix", "main")

    def __init__(self, main: Dialect, *others: Dialect) -> None:
        self.main = main
        self._by_prefix = tuple(
            (prefix, dialect) for dialect in others for prefix in dialect.prefixes
        )

    def of_path(self, path: bytes) -> Dialect:
        """Give the dialect of an undecoded path, or of as much of it as has arrived."""
        for prefix, dialect in self._by_prefix:
            if path.startswith(prefix):
                return dialect
        return self.main


class DialectApplications:
    """Passes each request to the application of its dialect, all else to the main one's."""

    def __init__(self, dialects: Dialects, applications: Mapping[Dialect, Asgi]) -> None:
        """Take an application for each dialect."""
        self._dialects = dialects
        self.applications = applications

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        is_request = scope["type"] == "http"
        dialects = self._dialects
        dialect = dialects.of_path(scope["raw_path"]) if is_request else dialects.main
        await self.applications[dialect](scope, receive, send)
