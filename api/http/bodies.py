"""Bounds of request bodies, kept before FastAPI reads them."""

from typing import Final

from api.bodies.json_values import most_values, require_few_values
from api.errors import TooLarge
from api.http.asgi import Receive, Scope, declared_length, header, read_body, replay

_UPLOADING: Final = ("POST ", "PUT ")
#: Of documents that are read member by member, so that many values in them hold nobody up.
_DOCUMENT_BYTES: Final = 10 * 1024 * 1024


class BodyBounds:
    """How large a body may be, and how many values it may hold."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._most_values = most_values(most_bytes)

    async def receive(self, scope: Scope, receive: Receive, route: str) -> Receive:
        """Read the body whole; returns what gives it again.

        Args:
            scope: the request's.
            receive: gives the body.
            route: the method and the template of its path.

        Raises:
            TooLarge: it is longer than allowed.
            InvalidRequest: it holds too many values.
        """
        declared = declared_length(scope)
        if declared == 0:
            return receive
        is_document = _is_document(route)
        most_bytes = max(self._most_bytes, _DOCUMENT_BYTES) if is_document else self._most_bytes
        if declared is not None and declared > most_bytes:
            raise TooLarge(f"the request body is over {most_bytes:,} bytes")
        body = await read_body(receive, most_bytes)
        if not is_document:
            await require_few_values(body, self._most_values)
        return replay(body, receive)


def _is_document(route: str) -> bool:
    """Whether the body is a document of flags."""
    return route.startswith("PUT ") and "/flag-data/" in route


def is_upload(scope: Scope, route: str) -> bool:
    """Whether the body is a list file, which is streamed and has a limit of its own.

    Args:
        scope: the request's.
        route: the method and the template of its path, in which no resource is named: one may be
            called ``imports``, and what reads a body to that would read any length.
    """
    kind = header(scope, b"content-type") or b""
    is_import = route.startswith(_UPLOADING) and route.endswith("/imports")
    return is_import and kind.lower().startswith(b"multipart/")
