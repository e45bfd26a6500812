"""The question that an API process sends its child."""

from dataclasses import astuple, dataclass
from typing import Self

from api.access.scope import AccessScope
from api.services.heavy.frames import Message
from worker.store import Grant


@dataclass(frozen=True, slots=True)
class HeavyQuestion:
    """A request that the caller may make."""

    project: str
    seen: AccessScope
    """What the caller may see."""
    raw: bytes
    """The request's body."""

    def pack(self) -> Message:
        """The question as it is sent."""
        grants = [astuple(grant) for grant in self.seen.grants]
        return Message({"project": self.project, "grants": grants}, self.raw)

    @classmethod
    def unpack(cls, message: Message) -> Self:
        """The question that was sent."""
        grants = tuple(Grant(*grant) for grant in message.header["grants"])
        return cls(message.header["project"], AccessScope(grants), message.body)
