"""The messages between an API process and its child: questions and answers."""

from dataclasses import astuple, dataclass
from typing import Self

from api.access.scope import AccessScope
from api.launchdarkly.evaluations.evaluation import Evaluated
from api.services.heavy.frames import Message
from api.services.heavy.refusals import accepted
from worker.store import EnvironmentRef, Grant


@dataclass(frozen=True, slots=True)
class HeavyQuestion:
    """A request that the caller may make."""

    env: EnvironmentRef
    seen: AccessScope
    """What the caller may see."""
    raw: bytes
    """The request's body."""

    def pack(self) -> Message:
        """The question as it is sent."""
        grants = [astuple(grant) for grant in self.seen.grants]
        environment = [self.env.project, self.env.environment]
        return Message({"environment": environment, "grants": grants}, self.raw)

    @classmethod
    def unpack(cls, message: Message) -> Self:
        """The question that was sent."""
        grants = tuple(Grant(*grant) for grant in message.header["grants"])
        return cls(
            EnvironmentRef(*message.header["environment"]), AccessScope(grants), message.body
        )


def pack_answer(answer: Evaluated) -> Message:
    """An answer as it is sent."""
    return Message({"errors": answer.errors, "first_error": answer.first_error}, answer.body)


def unpack_answer(message: Message) -> Evaluated:
    """The answer that was sent.

    Raises:
        ApiError: the child refused: 400, 404, 500 or 503, in the words of the same request
            evaluated here.
    """
    header = accepted(message).header
    return Evaluated(message.body, header["errors"], header["first_error"])
