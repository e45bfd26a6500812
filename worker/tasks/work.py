"""Serving one message about a job."""

import logging

from worker.errors import TerminalError, TransientError
from worker.exports.run import work_on_export
from worker.imports.run import work_on_import
from worker.jobs.services import Context
from worker.store.jobs.records import JobRef

logger = logging.getLogger("bigseg.tasks")


def serve_job(context: Context, ref: JobRef) -> None:
    """Do one unit of a job; hand on to the next message when there may be more.

    An error that reaches this far leaves the unit under its lease; the sweep comes back
    when that has run out.
    """
    work = work_on_import if ref.kind == "import" else work_on_export
    try:
        more = work(context, ref)
    except TransientError as exc:
        logger.warning("job.postponed", extra={"job": str(ref), "reason": str(exc)})
        return
    except TerminalError:
        logger.exception("job.failed", extra={"job": str(ref)})
        return
    if more:
        context.announce(ref, 1)
