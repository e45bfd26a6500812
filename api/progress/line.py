"""Writes how far something is in one line that fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Self

_MB: Final = 1_000_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_GAP: Final = "  "
_LEAST_BAR: Final = 6
_LONGEST_BAR: Final = 30
#: What is shown where there is room for it: the most important first.
_BY_IMPORTANCE: Final = ("left", "rows", "rate", "size")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far something is; what is unknown is left out."""

    phase: str
    """Such as ``reading``."""
    percent: float | None = None
    rows: int = 0
    rate: float = 0.0
    """Rows a second."""
    done_bytes: int = 0
    total_bytes: int = 0
    left_s: float | None = None

    @classmethod
    def of_job(cls, job: Mapping[str, Any]) -> Self:
        """How far an import or export is, as the API represents it."""
        progress = job["progress"]
        phase = progress["phase"]
        return cls(
            phase=job["status"] if phase == "ended" else phase,
            percent=progress["percent"],
            rows=progress["rowsDone"],
            rate=progress["rate"] or 0.0,
            done_bytes=progress["bytesDone"],
            total_bytes=progress["bytesTotal"],
            left_s=progress["etaSeconds"] if phase != "ended" else None,
        )


def format_sentence(reached: Reached) -> str:
    """Everything that is known, without a bar."""
    parts = _parts(reached)
    return ", ".join([_head(reached), *(parts[name] for name in _BY_IMPORTANCE if name in parts)])


def format_line(reached: Reached, width: int, *, bar: tuple[str, str] = ("━", "─")) -> str:
    """As much as fits into the width, the most important first.

    Args:
        reached: How far it is.
        width: The most characters.
        bar: What the two parts of the bar are made of.
    """
    head, parts = _head(reached), _parts(reached)
    bar_width = 0 if reached.percent is None else _LEAST_BAR + len(_GAP)
    room = width - len(head) - bar_width
    shown = []
    for name in _BY_IMPORTANCE:
        text = parts.get(name)
        if text is not None and len(_GAP) + len(text) <= room:
            shown.append(text)
            room -= len(_GAP) + len(text)
    if reached.percent is not None and room >= 0:
        drawn = _bar(reached.percent, min(_LONGEST_BAR, _LEAST_BAR + room), bar)
        shown.insert(0, drawn)
    return _GAP.join([head, *shown])[: max(0, width)]


def format_seconds(seconds: float) -> str:
    """A duration in one unit, or hours and minutes: ``12 s``, ``3 min``, ``2 h 05 min``."""
    if seconds < _MINUTE_S:
        return f"{ceil(seconds)} s"
    minutes = ceil(seconds / _MINUTE_S)
    if minutes < _HOUR_S // _MINUTE_S:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def _head(reached: Reached) -> str:
    if reached.percent is None:
        return reached.phase
    # Rounded down: 100 % is said only when it is done.
    return f"{reached.phase} {int(reached.percent)}%"


def _parts(reached: Reached) -> dict[str, str]:
    parts = {}
    if reached.left_s:
        parts["left"] = f"{format_seconds(reached.left_s)} left"
    if reached.rows:
        parts["rows"] = f"{reached.rows:,} rows"
    if reached.rate:
        parts["rate"] = f"{reached.rate:,.0f} rows/s"
    if reached.total_bytes:
        done, total = reached.done_bytes / _MB, reached.total_bytes / _MB
        parts["size"] = f"{done:,.1f} of {total:,.1f} MB"
    elif reached.done_bytes:
        parts["size"] = f"{reached.done_bytes / _MB:,.1f} MB"
    return parts


def _bar(percent: float, width: int, kinds: tuple[str, str]) -> str:
    filled = int(width * percent / 100)
    return kinds[0] * filled + kinds[1] * (width - filled)
