"""The stream of data: everything, and then what changes.

Source: python-server-sdk 9.18.2. An SDK connects again when a stream ends, and after five minutes
without any byte; it takes the end of a stream for a failure, and waits a little longer each time.
"""

from api.access.token_directory import TokenDirectory
from api.http.streamed_answer import Pieces
from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.messages import EVENTS, PING
from api.sdk.data.streams import DataStreams, Messages
from api.streams.watched_answer import WatchedAnswer
from api.streams.watching import Subscription


class DataStream(WatchedAnswer[EnvironmentData]):
    """Sends the data of an environment, in the form of one of the protocols."""

    ping = PING

    def __init__(
        self,
        streams: DataStreams,
        subscription: Subscription[EnvironmentData],
        keys: TokenDirectory,
        first: EnvironmentData,
        *,
        messages: Messages,
        before: EnvironmentData | None = None,
        farewell: Pieces = (),
    ) -> None:
        """Take the parts.

        Args:
            streams: Which the subscription belongs to.
            subscription: Closed at the end.
            keys: Say whether the SDK key is still valid.
            first: The data now.
            messages: In the form of the client's protocol.
            before: The data that the client has, if that is known.
            farewell: Sent at the end.
        """
        super().__init__(streams, subscription, keys, media_type=EVENTS)
        self._streams = streams
        self._sent = first
        self._before = before
        self._make = messages
        self._last = farewell

    def _first(self) -> Pieces:
        # No data is kept longer than it is needed: a stream may last for weeks.
        before, self._before = self._before, None
        return self._make(self._sent, before)

    async def _following(self) -> Pieces | None:
        data, sent = self.subscription.state, self._sent
        if data is None or data.tag == sent.tag:
            return None
        self._sent = data
        return self._streams.changes(self._make, data, sent)

    def _farewell(self) -> Pieces:
        return self._last
