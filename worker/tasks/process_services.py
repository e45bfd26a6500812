"""The services of each worker process, opened on first use and never shared by a fork."""

import logging
import os
import secrets
import time

from celery import Celery
from kombu.exceptions import OperationalError

from worker.jobs.services import Services
from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectStore
from worker.settings import WorkerSettings
from worker.store import JobRef, open_store
from worker.store.jobs import QUEUE_UPKEEP, QUEUE_WORK, TASK_TEND, TASK_WORK

logger = logging.getLogger("bigseg.tasks")


class ProcessServices:
    """Opens the services once for each process."""

    def __init__(self, settings: WorkerSettings, app: Celery) -> None:
        self.settings = settings
        self._app = app
        self._pid: int | None = None
        self._services: Services | None = None

    def get(self) -> Services:
        """The services of this process."""
        if self._services is None or self._pid != os.getpid():
            self._services = self.open()
            self._pid = os.getpid()
        return self._services

    def hand_over_counts(self) -> None:
        """Hand over what this process has counted, before it ends."""
        if self._services is not None and self._pid == os.getpid():
            sender = self._services.store.count_sender
            if sender is not None:
                sender.close()

    def open(self) -> Services:
        """Services of its own, for a thread that outlives tasks."""
        return Services(
            store=open_store(self.settings),
            objects=ObjectStore.open(self.settings),
            parquet=ParquetDecoder(self.settings.parquet_memory_bytes),
            settings=self.settings,
            announce=self._announce,
            announce_upkeep=self._announce_upkeep,
            clock_ms=_now_ms,
            sleep_s=time.sleep,
            random_name=_random_name,
        )

    def _announce(self, ref: JobRef, hints: int) -> None:
        try:
            for _ in range(hints):
                self._app.send_task(TASK_WORK, [str(ref)], queue=QUEUE_WORK, retry=False)
        except (OperationalError, OSError) as exc:
            # Hints may be lost: the sweep sends them again.
            logger.warning("hint.lost", extra={"job": str(ref), "error": type(exc).__name__})

    def _announce_upkeep(self) -> None:
        try:
            self._app.send_task(TASK_TEND, queue=QUEUE_UPKEEP, retry=False, expires=60)
        except (OperationalError, OSError) as exc:
            logger.warning("hint.lost", extra={"job": "upkeep", "error": type(exc).__name__})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _random_name() -> str:
    return secrets.token_hex(8)
