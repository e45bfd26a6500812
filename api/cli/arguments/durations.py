"""Lengths of time as people write them: ``90d``, ``12h``."""

import re
from typing import Final

from api.cli.errors import UsageError

_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_duration(text: str, option: str) -> int:
    """Read a length of time in seconds.

    Raises:
        UsageError: it is none; the message names the option.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not int(match[1]):
        raise UsageError(f"{option} {text}: write a number and s, m, h, d or w, such as 90d")
    return int(match[1]) * _SECONDS[match[2]]
