"""Serving one message: a unit of a job, in a process that is replaced when memory runs out."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from worker.errors import TerminalError, TransientError
from worker.exports.run import ExportWork
from worker.imports.run import ImportWork
from worker.jobs.runner import Work, run_job
from worker.jobs.services import Services
from worker.store.jobs import ExportRequest, JobRef, JobRequest

logger = logging.getLogger("bigseg.tasks")

#: Exit status of a process that is to be replaced.
_OUT_OF_MEMORY: Final = 70


def serve_job(services: Services, ref: JobRef) -> None:
    """Do one unit of a job; announce the next one when there may be more.

    An error that reaches this far leaves the unit under its lease; the sweep comes back
    when that has run out.
    """
    try:
        more = work_on(services, ref)
    except TransientError as exc:
        logger.warning("job.postponed", extra={"job": str(ref), "reason": str(exc)})
        return
    except TerminalError:
        logger.exception("job.failed", extra={"job": str(ref)})
        return
    if more:
        services.announce(ref, 1)


def work_on(services: Services, ref: JobRef) -> bool:
    """Do the next unit of a job of either kind; see :func:`run_job`."""

    def work_for(request: JobRequest) -> Work:
        if isinstance(request, ExportRequest):
            return ExportWork(services, request)
        return ImportWork(services, request)

    return run_job(services, ref, work_for)


@contextmanager
def replaced_when_out_of_memory(task: str) -> Iterator[None]:
    """End this process of the pool after a MemoryError; the pool starts another one.

    Celery treats a MemoryError in a task as one of the whole worker, and ends all its
    processes. The state of a process after one is unknown, so it does not continue.

    Raises:
        SystemExit: in place of the MemoryError.
    """
    try:
        yield
    except MemoryError:
        logger.error("process.replaced", extra={"task": task})  # noqa: TRY400 - its frames are large
        raise SystemExit(_OUT_OF_MEMORY) from None
