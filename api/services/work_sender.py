"""Announces work to the worker, by task name; a message is only a hint.

Whatever is announced is stored already, and the worker's sweep finds it. So a broker that is
down delays work and fails no request.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog
from celery import Celery
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from worker.store import (
    BROKER_OF_API,
    QUEUE_UPKEEP,
    QUEUE_WORK,
    TASK_RESHARD,
    TASK_TEND,
    TASK_WORK,
    JobRef,
    ListRef,
    StoreSettings,
    broker_options,
    check_broker,
)

#: Messages queued while a broker is down; the sweep makes up for those that are dropped.
_MOST_WAITING: Final = 1_000
#: Seconds in which a list's growth is announced once.
_RESHARD_PAUSE_S: Final = 1.0
#: Seconds in which upkeep is asked for once; it comes by itself every few seconds.
_TEND_PAUSE_S: Final = 1.0
_MOST_REMEMBERED: Final = 10_000
#: Seconds after which a turn of upkeep is no longer worth anything.
_EXPIRE_S: Final = 60.0
#: Seconds that the end of a process waits for the broker.
_CLOSE_S: Final = 2.0
#: Give up on a broker at once: the sender's thread has other messages.
_IMPATIENT: Final[dict[str, object]] = {
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": 2.0,
    "socket_timeout": 2.0,
}

_log = structlog.get_logger(__name__)


class WorkSender:
    """Sends task messages from one thread of its own, in order.

    :meth:`work` and :meth:`reshard` return at once and never fail.
    """

    def __init__(
        self, settings: StoreSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._monotonic = monotonic
        self._celery = _sender(settings)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bigseg-announce")
        self._room = threading.BoundedSemaphore(_MOST_WAITING)
        self._resharded: dict[ListRef, float] = {}
        self._tended = float("-inf")
        self._give_up_at = float("inf")

    def work(self, ref: JobRef) -> None:
        """Announce that a job has work to be done."""
        self._announce(TASK_WORK, str(ref))

    def free(self, ref: JobRef) -> None:
        """Announce that a job was ended from here, so that what it used can be freed.

        It is said twice: to those that work, and to the process that has nothing to do with lists,
        because all others may be busy for a while.
        """
        for queue in (QUEUE_UPKEEP, QUEUE_WORK):
            self._announce(TASK_WORK, str(ref), queue=queue)

    def reshard(self, ref: ListRef) -> None:
        """Announce that a list has outgrown its shards; at most once a second for one list."""
        now = self._monotonic()
        if now - self._resharded.get(ref, -_RESHARD_PAUSE_S) < _RESHARD_PAUSE_S:
            return
        if len(self._resharded) >= _MOST_REMEMBERED:
            self._resharded.clear()
        self._resharded[ref] = now
        name = f"{ref.project}:{ref.environment}:{ref.segment}:{ref.generation}"
        self._announce(TASK_RESHARD, name)

    def tend(self) -> None:
        """Ask for a turn of upkeep now; at most once a second."""
        now = self._monotonic()
        if now - self._tended >= _TEND_PAUSE_S:
            self._tended = now
            self._announce(TASK_TEND, queue=QUEUE_UPKEEP, expire_s=_EXPIRE_S)

    def check(self) -> None:
        """Make sure that the broker takes messages. Blocks up to a few seconds.

        Raises:
            StoreError: it does not answer, or it is a cluster, which cannot be a broker.
        """
        check_broker(self._settings, BROKER_OF_API)

    def close(self) -> None:
        """Send what is queued, if the broker takes it within seconds, and end. Idempotent."""
        self._give_up_at = self._monotonic() + _CLOSE_S
        self._thread.shutdown(wait=True, cancel_futures=False)
        self._celery.close()

    def _announce(
        self, task: str, *arguments: str, queue: str = QUEUE_WORK, expire_s: float | None = None
    ) -> None:
        if not self._room.acquire(blocking=False):
            _log.warning("message.dropped", task=task, job=arguments, reason="too many wait")
            return
        self._thread.submit(self._send, task, arguments, queue, expire_s)

    def _send(
        self, task: str, arguments: Sequence[str], queue: str, expire_s: float | None
    ) -> None:
        try:
            if self._monotonic() > self._give_up_at:
                return
            self._celery.send_task(
                task,
                args=[*arguments],
                queue=queue,
                ignore_result=True,
                retry=False,
                expires=expire_s,
            )
        except (OperationalError, KombuError, OSError, RedisError) as exc:
            _log.warning("message.unsent", task=task, job=arguments, reason=type(exc).__name__)
        finally:
            self._room.release()


def _sender(settings: StoreSettings) -> Celery:
    options: dict[str, Any] = broker_options(settings)
    options["broker_transport_options"] = {**options["broker_transport_options"], **_IMPATIENT}
    app = Celery("bigseg-api", set_as_current=False, fixups=[])
    app.conf.update(options)
    return app
