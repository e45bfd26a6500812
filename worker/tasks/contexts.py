"""One context for each worker process, opened on first use and never shared by a fork."""

import logging
import os
import secrets
import time

from celery import Celery
from kombu.exceptions import OperationalError

from worker.jobs.services import Context
from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectStore
from worker.settings import WorkerSettings
from worker.store import JobRef, open_store
from worker.store.jobs.messages import QUEUE_WORK, TASK_WORK

logger = logging.getLogger("bigseg.tasks")


class ContextHolder:
    """Opens the outside world once a process."""

    def __init__(self, settings: WorkerSettings, app: Celery) -> None:
        self.settings = settings
        self._app = app
        self._pid: int | None = None
        self._context: Context | None = None

    def context(self) -> Context:
        """The process's context.

        Raises:
            StoreUnavailable: the store does not answer. Safe to retry.
        """
        if self._context is None or self._pid != os.getpid():
            self._context = self.open()
            self._pid = os.getpid()
        return self._context

    def open(self) -> Context:
        """A context of its own, for a thread that outlives tasks.

        Raises:
            StoreUnavailable: the store does not answer. Safe to retry.
        """
        return Context(
            store=open_store(self.settings),
            objects=ObjectStore.open(self.settings),
            parquet=ParquetDecoder(self.settings.parquet_memory_bytes),
            settings=self.settings,
            announce=self._announce,
            clock_ms=_now_ms,
            sleep_s=time.sleep,
            tokens=_token,
        )

    def _announce(self, ref: JobRef, hints: int) -> None:
        try:
            for _ in range(hints):
                self._app.send_task(TASK_WORK, [str(ref)], queue=QUEUE_WORK, retry=False)
        except (OperationalError, OSError) as exc:
            # Hints may be lost: the sweep sends them again.
            logger.warning("hint.lost", extra={"job": str(ref), "error": type(exc).__name__})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _token() -> str:
    return secrets.token_hex(8)
