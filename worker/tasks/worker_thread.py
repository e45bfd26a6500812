"""A thread in every worker, apart from Celery's slots, however busy the tasks are."""

import threading
from typing import Any, ClassVar

from celery import bootsteps

from worker.tasks.process_services import ProcessServices


class WorkerThread(bootsteps.StartStopStep):
    """Runs beside the worker's main loop, from its start to its stop, with a client of its own."""

    #: Processes forked beside a busy thread could inherit a lock that is never released.
    requires = ("celery.worker.components:Pool",)
    thread_name: ClassVar[str]

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self.stopped = threading.Event()
        """Set when the worker stops: what is under way ends by itself."""

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start the thread, whose work begins at once."""
        process: ProcessServices = parent.app.bigseg_services
        threading.Thread(
            target=self.run, args=(process, parent.app), name=self.thread_name, daemon=True
        ).start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Have the thread end."""
        self.stopped.set()

    def run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        """What the thread does until ``stopped`` is set. Whatever goes wrong must not end it."""
        raise NotImplementedError
