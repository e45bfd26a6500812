"""Ending a worker that has stopped asking its broker for messages.

A worker whose connection came back wrong can sit there for ever, alive and deaf. This
step looks at when the broker was last polled and ends the process; whoever runs it
starts another.
"""

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

from worker.store.primary_connection import PrimaryConnection, PrimarySSLConnection

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
            logger.warning("message.unnoted", exc_info=True)
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


class PolledChannel(redis_transport.Channel):
    """A channel to a primary that remembers when it last asked for messages."""

    QoS = ForgettingQoS
    connection_class = PrimaryConnection
    connection_class_ssl = PrimarySSLConnection
    last_poll_s = 0.0

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        if asynchronous:
            # Kombu's loop watches the socket that it knows; another one has to be told to it.
            params["connection_class"].reconnects_in_place = False
        return params

    def _brpop_start(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - kombu's
        type(self).last_poll_s = time.monotonic()
        return super()._brpop_start(timeout)  # type: ignore[no-untyped-call]


class PolledTransport(redis_transport.Transport):
    """Kombu's Redis transport over :class:`PolledChannel`."""

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
                logger.critical("worker.deaf", extra={"after_s": DEAF_AFTER_S})
                os.kill(os.getpid(), signal.SIGKILL)


def is_deaf(now_s: float, last_poll_s: float, *, busy: bool) -> bool:
    """Whether a worker that is not busy has been silent for too long."""
    return not busy and now_s - last_poll_s > DEAF_AFTER_S
