"""An answer that sends what changes until its SDK key is revoked, or there is nothing more."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Generic, TypeVar

from api.access.token_directory import TokenDirectory
from api.http.streamed_answer import Pieces, StreamedAnswer
from api.streams.watching import Subscription, Watches
from worker.store import StoreError

State = TypeVar("State")


class WatchedAnswer(StreamedAnswer, Generic[State]):
    """Sends messages until the SDK key is revoked, the process stops or the client has gone."""

    ping: ClassVar[bytes]
    """Says nothing, but that the stream is there."""

    def __init__(
        self,
        watches: Watches[Any, State],
        subscription: Subscription[State],
        keys: TokenDirectory,
        *,
        media_type: str,
    ) -> None:
        """Take the parts.

        Args:
            watches: Which the subscription belongs to.
            subscription: Closed at the end.
            keys: Say whether the SDK key is still valid.
            media_type: Of the answer.
        """
        super().__init__(
            self._all_messages(),
            media_type=media_type,
            on_gone=subscription.end,
            on_end=lambda: watches.close(subscription),
            facts={"sdk_key": subscription.digest.hex()},
        )
        self.subscription = subscription
        self._keys = keys

    @abstractmethod
    def _first(self) -> Pieces:
        """Give the message that is sent at once."""

    @abstractmethod
    async def _following(self) -> Pieces | None:
        """Give a message about what is new, again and again until there is none."""

    def _farewell(self) -> Pieces:
        """Give what is sent at the end."""
        return ()

    async def _all_messages(self) -> AsyncIterator[Pieces]:
        subscription = self.subscription
        yield self._first()
        while True:
            is_news = await subscription.has_news()
            if subscription.ended:
                break
            if not is_news:
                yield [self.ping]
                continue
            if not await self._may_have_more():
                break
            while (message := await self._following()) is not None:
                yield message
                del message  # the next one may be weeks away
                if self.subscription.ended:
                    break
        yield self._farewell()

    async def _may_have_more(self) -> bool:
        """Whether the SDK key is certainly valid now."""
        digest = self.subscription.digest
        try:
            known = self._keys.find(digest) or await self._keys.ask(digest)
        except StoreError:
            return False  # the client connects again, and is told then
        return known is not None
