"""Logs: one JSON object a line on standard error, from structlog and from libraries.

No line holds a context key or a token: events carry ids, and paths are logged as route
templates only.
"""

import logging
import sys
import traceback
from typing import Final

import structlog

from api.errors import ApiError, Broken

#: Loggers that print request lines, which hold context keys.
_SILENCED: Final = ("uvicorn.access",)


_log = structlog.get_logger(__name__)

#: What a caller is told of a fault of ours.
BROKEN: Final = Broken("something went wrong; the operator finds it in the log by this id")


def report_broken(exc: Exception, error_id: str) -> None:
    """Log a fault of ours: its type and where, never its message, which may hold a key."""
    where = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(exc.__traceback__)]
    _log.error("request.broken", error_id=error_id, error=type(exc).__name__, where=where[-8:])


def report_fault(error: ApiError, error_id: str) -> None:
    """Log a refusal that is the operator's to mend, such as missing credentials; no other."""
    if isinstance(error, Broken):
        _log.error("request.broken", error_id=error_id, error=error.message)


def configure_logs(level: int = logging.INFO) -> None:
    """Send all logging of this process to standard error as JSON. Idempotent."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _SILENCED:
        logging.getLogger(name).disabled = True
