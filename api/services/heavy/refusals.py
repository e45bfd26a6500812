"""Refusals of a child process, passed on in the words of the same request evaluated here."""

from typing import Final

from api.errors import ApiError, Broken, Forbidden, InvalidRequest, NotFound, Unavailable
from api.services.heavy.frames import Message

#: Every refusal that an evaluation may end in.
_REFUSALS: Final[dict[int, type[ApiError]]] = {
    error.status: error for error in (InvalidRequest, Forbidden, NotFound, Unavailable, Broken)
}


def refusal_message(refusal: ApiError) -> Message:
    """A refusal as it is sent."""
    return Message({"refused": refusal.status, "message": refusal.message})


def accepted(answer: Message) -> Message:
    """The message itself, if it is an answer.

    Raises:
        ApiError: the child refused: 400, 403, 404, 500 or 503.
    """
    header = answer.header
    if "refused" in header:
        raise _REFUSALS.get(header["refused"], Broken)(header["message"])
    return answer
