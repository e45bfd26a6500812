"""A worker's end of the broker: what it takes from there, and that it keeps asking.

A worker whose connection came back wrong can sit there for ever, alive and deaf. This
step looks at when the broker was last polled and ends the process; whoever runs it
starts another.
"""

import functools
import logging
import os
import signal
import threading
import time
from typing import Any, Final

from celery import bootsteps
from celery.worker import state
from kombu.transport import redis as redis_transport
from kombu.transport import virtual

from worker.broker_transport import AddressedChannel, AddressedTransport
from worker.tasks.screening import screened

logger = logging.getLogger("bigseg.tasks")

#: Seconds without a poll, and without a task that would explain it, that are too many.
DEAF_AFTER_S: Final = 60.0
_LOOK_EVERY_S: Final = 5.0


class ForgettingQoS(redis_transport.QoS):
    """Takes and ends messages also when the broker cannot be told; they are only hints."""

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's
        """Take a message over; kombu's own method, but for a broker that is out of memory.

        Kombu writes down that the message is in hand, and a worker to which that is
        refused ends. Without the note the message is not handed out a second time.
        """
        try:
            super().append(message, delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.ResponseError:
            logger.warning("message.unrecorded", exc_info=True)
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Tell the broker that a message is done; kombu's own method, but for one that is away.

        Kombu keeps the message in the window of those in hand; with a window of a few, a
        worker that was busy when its broker went away would never ask for another one,
        and so never notice that the broker is back.
        """
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Put back what dead workers had taken; kombu's own method, but for refusals.

        Without SCRIPT LOAD the turn is not given back, and ends by itself in five minutes.
        """
        try:
            super().restore_visible(start, num, interval)  # type: ignore[no-untyped-call]
        except self.channel.ResponseError as exc:
            logger.debug("messages.unrestored", extra={"error": type(exc).__name__})

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: ANN401 - kombu's
        """Put a message back into its queue; kombu's own method, but for one that is none.

        Left there, it would fail in every worker for good.
        """
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            logger.warning("message.dropped", extra={"reason": type(exc).__name__})
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]


class ScreenedClient(redis_transport.PrefixedStrictRedis):
    """Gives out of a queue only what :func:`screened` lets through."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:  # noqa: ANN401 - any reply
        """Read a reply; a message that is dropped looks like an empty queue."""
        reply = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name != "BRPOP" or not reply:
            return reply
        queue, message = reply
        cleaned = screened(message)
        return None if cleaned is None else (queue, cleaned)


class PolledChannel(AddressedChannel):
    """A channel that remembers when it last asked for messages, or for a connection."""

    QoS = ForgettingQoS
    last_poll_s = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        # Who tries to connect is not deaf, however long the broker is away.
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


class PollWatch(bootsteps.StartStopStep):
    """Looks at the last poll from a thread, because the main loop is what may hang."""

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start watching."""
        PolledChannel.last_poll_s = time.monotonic()
        threading.Thread(target=self._run, name="poll-watch", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Stop watching."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            if is_deaf(
                time.monotonic(), PolledChannel.last_poll_s, busy=bool(state.reserved_requests)
            ):
                logger.critical("worker.killed", extra={"after_s": DEAF_AFTER_S})
                os.kill(os.getpid(), signal.SIGKILL)


def is_deaf(now_s: float, last_poll_s: float, *, busy: bool) -> bool:
    """Whether a worker that is not busy has been silent for too long."""
    return not busy and now_s - last_poll_s > DEAF_AFTER_S
