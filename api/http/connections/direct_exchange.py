"""A request that is answered without ASGI, as its connection and its answerer see it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol

from api.http.asgi import Header

_NOTHING: Final[Mapping[str, Any]] = {}


class Answers(Protocol):
    """The connection of an exchange."""

    def answer_directly(self, exchange: "DirectExchange", body: bytes, lines: bytes) -> None:
        """Write an answer of status 200 and end the exchange."""

    def pass_on(self, exchange: "DirectExchange") -> None:
        """Have the application serve the request after all."""


class DirectAnswerer(Protocol):
    """Answers some requests without ASGI."""

    def begin(self, exchange: "DirectExchange") -> bool:
        """Take a GET whose connection is kept, if nothing but the store must be waited for.

        One that is taken is answered, or passed on, in a later round of the event loop.

        Returns:
            Whether it is taken; if not, the application serves it.
        """


class _NobodyWaits:
    def set(self) -> None:
        """As an event's."""


class DirectExchange:
    """One such request; uvicorn takes it for its own state of an exchange."""

    __slots__ = (
        *("_connection", "additions", "disconnected", "headers", "keep_alive"),
        *("more_body", "path", "response_complete", "taken"),
    )

    message_event: ClassVar = _NobodyWaits()
    response_started: ClassVar = False

    def __init__(self, connection: Answers, path: bytes, headers: list[Header]) -> None:
        """Begin."""
        self._connection = connection
        self.path = path
        self.headers = headers
        self.additions = _NOTHING
        """What the request's scope is to hold if the application serves it."""
        self.keep_alive = True
        self.disconnected = False
        self.more_body = True
        self.response_complete = False
        self.taken = False

    def answer(self, body: bytes, lines: bytes) -> None:
        """Answer with status 200 and JSON, unless the client has gone.

        Args:
            body: JSON.
            lines: of the head, in addition to those of every answer.
        """
        self._connection.answer_directly(self, body, lines)

    def pass_on(self, additions: Mapping[str, Any]) -> None:
        """Have the application serve the request, with these additions to its scope."""
        self.additions = additions
        self._connection.pass_on(self)
