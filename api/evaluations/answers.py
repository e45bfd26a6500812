"""The answer to an evaluation, and its message from a child process."""

from dataclasses import dataclass
from typing import Self

from api.services.heavy.frames import Message
from api.services.heavy.refusals import accepted


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answer to a request."""

    body: bytes
    errors: int
    """Segments that could not be evaluated."""
    first_error: str | None
    """The error of one of them."""

    def pack(self) -> Message:
        """The answer as it is sent."""
        return Message({"errors": self.errors, "first_error": self.first_error}, self.body)

    @classmethod
    def unpack(cls, message: Message) -> Self:
        """The answer that was sent.

        Raises:
            ApiError: the child refused, in the words of the same request evaluated here.
        """
        header = accepted(message).header
        return cls(message.body, header["errors"], header["first_error"])
