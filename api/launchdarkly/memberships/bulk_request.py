"""A bulk look-up as it is done, by an API process or by its child."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Self

from api.access.scope import AccessScope
from api.launchdarkly.memberships.bulk_answer import render_arrow, render_json
from api.launchdarkly.memberships.bulk_question import BulkQuestion, require_addresses
from api.lookups.bulk_lookups import BulkLookups, ListAnswers
from api.services.heavy.frames import Message
from worker.store import EnvironmentRef, Grant


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A request that the caller may make."""

    env: EnvironmentRef
    seen: AccessScope
    """What the caller may see."""
    in_arrow: bool
    """Whether the answer is a stream of Arrow's, and not JSON."""
    raw: bytes
    """The request's body."""

    async def look_up(self, question: BulkQuestion, lookups: BulkLookups) -> list[ListAnswers]:
        """Ask the lists, each of which the caller must be allowed to see.

        Args:
            question: what the body asks.
            lookups: of the process.

        Raises:
            Forbidden: a segment is out of the caller's scope.
            NotFound: there is none, or a key that none can have.
            InvalidRequest: a segment is not a big one.
            StoreError: no answer is certain; as ``BulkLookups.look_up``.
        """
        return await lookups.look_up(
            require_addresses(question, self.env, self.seen), question.asked
        )

    def render(self, question: BulkQuestion, found: Sequence[ListAnswers]) -> bytes:
        """Write the answers in the form that was asked for."""
        render = render_arrow if self.in_arrow else render_json
        return render(question, found)

    def pack(self) -> Message:
        """The request as the child is sent it."""
        grants = [astuple(grant) for grant in self.seen.grants]
        environment = [self.env.project, self.env.environment]
        header = {"environment": environment, "grants": grants, "inArrow": self.in_arrow}
        return Message(header, self.raw)

    @classmethod
    def unpack(cls, message: Message) -> Self:
        """The request that was sent."""
        header = message.header
        return cls(
            env=EnvironmentRef(*header["environment"]),
            seen=AccessScope(tuple(Grant(*grant) for grant in header["grants"])),
            in_arrow=header["inArrow"],
            raw=message.body,
        )
