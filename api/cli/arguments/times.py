"""Moments as people write them: ``2026-01-31``, ``2026-01-31T12:00Z``, or ``2h`` ago."""

import re
from datetime import UTC, datetime
from typing import Final

from api.cli.arguments.durations import parse_duration
from api.cli.errors import UsageError

_AGO: Final = re.compile(r"\d+[smhdw]", re.IGNORECASE)


def parse_time(text: str, option: str, *, now_ms: int) -> int:
    """Read a time, or how long ago it was, as Unix milliseconds.

    Raises:
        UsageError: it is neither, or lies before 1970; the message names the option.
    """
    if _AGO.fullmatch(text):
        return max(0, now_ms - parse_duration(text, option) * 1_000)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        unix_ms = int(moment.timestamp() * 1_000)
    except (ValueError, OverflowError):
        unix_ms = -1
    if unix_ms < 0:
        raise UsageError(
            f"{option} {text}: write 2026-01-31, 2026-01-31T12:00Z, or 2h for a time ago"
        )
    return unix_ms
