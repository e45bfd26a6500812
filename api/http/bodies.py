"""Bounds of request bodies, kept before FastAPI reads them."""

from typing import Final

from api.bodies.json_values import most_values, require_few_values
from api.errors import TooLarge
from api.http.asgi import Receive, Scope, declared_length, header, read_body, replay

_UPLOADING: Final = ("POST ", "PUT ")


class BodyBounds:
    """How large a body may be, and how many values it may hold."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._most_values = most_values(most_bytes)

    async def receive(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body whole; returns what gives it again.

        Raises:
            TooLarge: it is longer than allowed.
            InvalidRequest: it holds too many values.
        """
        declared = declared_length(scope)
        if declared == 0:
            return receive
        if declared is not None and declared > self._most_bytes:
            raise TooLarge(f"the request body is over {self._most_bytes:,} bytes")
        body = await read_body(receive, self._most_bytes)
        await require_few_values(body, self._most_values)
        return replay(body, receive)


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
