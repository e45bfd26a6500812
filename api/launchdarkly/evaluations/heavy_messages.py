"""What an API process asks its child, and what the child answers: both ways of each."""

from dataclasses import astuple, dataclass
from typing import Final, Self

from api.access.scope import AccessScope
from api.errors import ApiError, Broken, InvalidRequest, NotFound, Unavailable
from api.heavy.frames import Message
from api.launchdarkly.evaluations.evaluation import Evaluated
from worker.store import Grant, Scope

#: Every refusal that an evaluation may end in.
_REFUSALS: Final[dict[int, type[ApiError]]] = {
    one.status: one for one in (InvalidRequest, NotFound, Unavailable, Broken)
}


@dataclass(frozen=True, slots=True)
class HeavyQuestion:
    """A request that the caller was let in with."""

    scope: Scope
    seen: AccessScope
    """What the caller may see."""
    raw: bytes
    """The request's body."""

    def message(self) -> Message:
        """As it is sent."""
        grants = [astuple(one) for one in self.seen.grants]
        place = [self.scope.project, self.scope.environment]
        return Message({"place": place, "grants": grants}, self.raw)

    @classmethod
    def of(cls, message: Message) -> Self:
        """As it was sent."""
        grants = tuple(Grant(*one) for one in message.header["grants"])
        return cls(Scope(*message.header["place"]), AccessScope(grants), message.body)


def answer_message(answer: Evaluated | ApiError) -> Message:
    """An answer or a refusal, as it is sent."""
    if isinstance(answer, ApiError):
        return Message({"refused": answer.status, "message": answer.message})
    return Message({"errors": answer.errors, "first_error": answer.first_error}, answer.body)


def answer_of(message: Message) -> Evaluated:
    """The answer that was sent.

    Raises:
        ApiError: the child refused: 400, 404, 500 or 503, in the words of the same request
            evaluated here.
    """
    header = message.header
    if "refused" in header:
        raise _REFUSALS.get(header["refused"], Broken)(header["message"])
    return Evaluated(message.body, header["errors"], header["first_error"])
