"""The question that an API process sends its child."""

from dataclasses import astuple, dataclass
from typing import Self

from api.access.scope import AccessScope
from api.services.heavy.frames import Message
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
