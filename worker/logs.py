"""Logs: one JSON object a line on standard error.

Events are ``entity.action`` with the ids they are about. No line holds a context key.
"""

import logging
import sys

import structlog


def configure_logs(level: int = logging.INFO) -> None:
    """Send all logging of this process to standard error as JSON. Idempotent."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
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
    # Its lines repeat credentials' whereabouts for each client that is opened.
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
