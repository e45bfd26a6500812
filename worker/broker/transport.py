"""Kombu's Redis transport, as bigseg needs it: the only file that leans on kombu's internals.

What it overrides is private to kombu, so ``pyproject.toml`` bounds kombu's version from above,
and a test compares the overridden methods with those of the installed kombu.

Kombu would read the broker's URL its own way: without TLS for ``rediss://`` under a
transport of another name, and with the password in what it logs. So it gets a label as
its URL, and the real address as the transport option ``address``.
"""

import functools
import logging
import time
from typing import Any, Final

from kombu.transport import redis as redis_transport
from kombu.transport import virtual

from worker.broker.screening import screen_message
from worker.redis_urls import RedisAddress
from worker.store.server import driver_options, primary_class

logger = logging.getLogger("bigseg.broker")

#: Options that kombu derives from the label.
_OF_LABEL: Final = ("host", "port", "db", "username", "password")


class AddressedChannel(redis_transport.Channel):
    """A channel whose connections go to the transport option ``address``.

    Only a primary is a broker: to kombu a replica is a server that does not answer, so it
    comes back to the name until that leads to a primary.
    """

    address = RedisAddress()
    from_transport_options = (*redis_transport.Channel.from_transport_options, "address")  # type: ignore[assignment]  # one more

    @property
    def connection_class(self) -> type[Any]:  # type: ignore[override]  # kombu only reads it
        """The class of connections that kombu derives its own from."""
        return primary_class(self.address)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        others = {name: value for name, value in params.items() if name not in _OF_LABEL}
        if asynchronous:
            # Kombu's loop watches one socket and would not notice that another one replaced it.
            params["connection_class"].reconnects_in_place = False
        return driver_options(self.address, **others)


class AddressedTransport(redis_transport.Transport):
    """Kombu's Redis transport over :class:`AddressedChannel`."""

    Channel = AddressedChannel


class ForgettingQoS(redis_transport.QoS):
    """Takes and acknowledges messages even if the broker cannot record it: they are hints."""

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's
        """Take a message over; kombu's own method, except when the broker is out of memory.

        Kombu records that the message is being processed, and a worker exits if the broker
        refuses that. Without the record the message is not delivered a second time.
        """
        try:
            super().append(message, delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.ResponseError:
            logger.warning("message.unrecorded", exc_info=True)
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message; kombu's own method, except when the broker is away.

        Kombu counts the message as still being processed; since its window is small, a worker
        that was busy when its broker went away would never ask for another message, and so
        never notice that the broker is back.
        """
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Redeliver what dead workers had taken; kombu's own method, except when it is refused.

        Without SCRIPT LOAD kombu's lock is not released, and expires in five minutes.
        """
        try:
            super().restore_visible(start, num, interval)  # type: ignore[no-untyped-call]
        except self.channel.ResponseError as exc:
            logger.debug("messages.unrestored", extra={"error": type(exc).__name__})

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: ANN401 - kombu's
        """Put a message back into its queue; kombu's own method, except for what is not a message.

        Left there, it would fail in every worker for good.
        """
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            logger.warning("message.dropped", extra={"reason": type(exc).__name__})
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]


class ScreenedClient(redis_transport.PrefixedStrictRedis):
    """Gives out of a queue only what :func:`screen_message` lets through."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:  # noqa: ANN401 - any reply
        """Read a reply; a message that is dropped looks like an empty queue."""
        reply = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name != "BRPOP" or not reply:
            return reply
        queue, message = reply
        cleaned = screen_message(message)
        return None if cleaned is None else (queue, cleaned)


class PolledChannel(AddressedChannel):
    """A channel that remembers when it last asked for messages, or for a connection."""

    QoS = ForgettingQoS
    last_poll_s = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        # A worker that tries to connect is not deaf, however long the broker is away.
        type(self).last_poll_s = time.monotonic()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _get_client(self) -> Any:  # noqa: ANN401 - kombu's
        return functools.partial(ScreenedClient, global_keyprefix=self.global_keyprefix)

    def _brpop_start(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - kombu's
        type(self).last_poll_s = time.monotonic()
        return super()._brpop_start(timeout)  # type: ignore[no-untyped-call]


class PolledTransport(AddressedTransport):
    """The transport over :class:`PolledChannel`."""

    Channel = PolledChannel
