"""The one log of a process: JSON lines on standard error, from bigseg and from its libraries.

A line has ``event``, ``level``, ``logger``, ``timestamp`` and the event's own fields. Events of
bigseg are named ``noun.participle``; a library's line has its message as ``event``. No line holds
a context key or a token: events carry ids, and of an exception only what :func:`describe_exception`
takes from it.
"""

import json
import logging
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from worker.errors import BigsegError

_FRAMES: Final = 8
#: Loggers whose own handlers would write text; they belong to uvicorn.
_WITH_HANDLERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")
#: Its lines are requests, and a look-up's path holds a context key.
_SILENCED: Final = "uvicorn.access"
#: Its lines repeat credentials' whereabouts for each client that is opened.
_CREDENTIALS: Final = "botocore.credentials"


def configure_logs(level: int = logging.INFO) -> None:
    """Send all logging of this process to standard error as JSON. Idempotent.

    Python's warnings and what ends a thread or the process unexpectedly are lines, too. A process
    that refuses its settings at start prints a sentence for a person instead.
    """
    structlog.configure(
        processors=[*_FIELDS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_FIELDS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=_type_name),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _redirect_libraries()
    _redirect_uncaught()


def _redirect_libraries() -> None:
    for name in _WITH_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # Without any handler to reach, uvicorn does not even make a line of each request.
        logger.propagate = name != _SILENCED
    logging.getLogger(_SILENCED).disabled = True
    logging.getLogger(_CREDENTIALS).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _redirect_uncaught() -> None:
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda failed: _log_uncaught(
        failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback
    )


def describe_exception(exc: BaseException) -> dict[str, Any]:
    """Describe an exception for a log: its type, where it was raised, and its cause's type.

    A message is taken only from bigseg's own errors: any other may quote a context key.
    """
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    fields: dict[str, Any] = {
        "error": type(exc).__name__,
        "where": [f"{frame.filename}:{frame.lineno}" for frame in frames],
    }
    if isinstance(exc, BigsegError):
        fields["reason"] = str(exc)
    cause = exc.__cause__ or exc.__context__
    if cause is not None:
        fields["cause"] = type(cause).__name__
    return fields


def write_line(event: str, *_: object) -> None:
    """Write a line without a lock or a buffer: for handlers of signals."""
    line = {"event": event.strip(), "level": "info", "logger": "signals"}
    os.write(2, (json.dumps(line) + "\n").encode())


def _replace_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the description of an exception in its place."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    exc = found[1] if isinstance(found, tuple) else found
    if isinstance(exc, BaseException):
        event.update(describe_exception(exc))
    return event


def _remove_quoted_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take from libraries' lines what quotes an exception or an argument, or is for a terminal."""
    event.pop("color_message", None)
    task = event.pop("data", None)
    if isinstance(task, dict) and "exc" in task:
        event.update(event="task.failed", task=task.get("name"), task_id=task.get("id"))
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _log_uncaught(
    kind: type[BaseException], exc: BaseException, _traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("bigseg").critical("process.failed", exc_info=exc)


def _type_name(value: object) -> str:
    """Stand in for a value that JSON does not have; its text may hold anything."""
    return type(value).__name__


#: What every line goes through, from structlog or from the standard library.
_FIELDS: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _remove_quoted_values,
    _replace_exception,
]
