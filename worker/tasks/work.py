"""Serving one message about a job."""

import logging

from worker.errors import TerminalError, TransientError
from worker.exports.run import ExportWork
from worker.imports.run import ImportWork
from worker.jobs.runner import Work, run_job
from worker.jobs.services import Services
from worker.store.jobs import ExportRequest, JobRef, JobRequest

logger = logging.getLogger("bigseg.tasks")


def serve_job(services: Services, ref: JobRef) -> None:
    """Do one unit of a job; hand on to the next message when there may be more.

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
