"""Writes how far something has come in one line that fits."""

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
class Progress:
    """How far something has come; what is unknown is left out."""

    phase: str
    """Such as ``reading``."""
    percent: float | None = None
    rows: int = 0
    rate: float = 0.0
    """Rows a second."""
    done_bytes: int = 0
    total_bytes: int = 0
    remaining_s: float | None = None

    @classmethod
    def of_job(cls, job: Mapping[str, Any]) -> Self:
        """Read the progress of an import or export from what the API says of it."""
        reported = job["progress"]
        phase = reported["phase"]
        return cls(
            phase=job["status"] if phase == "ended" else phase,
            percent=reported["percent"],
            rows=reported["rowsDone"],
            rate=reported["rate"] or 0.0,
            done_bytes=reported["bytesDone"],
            total_bytes=reported["bytesTotal"],
            remaining_s=reported["etaSeconds"] if phase != "ended" else None,
        )


def format_sentence(progress: Progress) -> str:
    """Everything that is known, without a bar."""
    parts = _parts(progress)
    return ", ".join([_head(progress), *(parts[name] for name in _BY_IMPORTANCE if name in parts)])


def format_line(progress: Progress, width: int, *, bar: tuple[str, str] = ("━", "─")) -> str:
    """As much as fits into the width, the most important first.

    Args:
        progress: what is drawn.
        width: The most characters.
        bar: What the two parts of the bar are made of.
    """
    head, parts = _head(progress), _parts(progress)
    bar_width = 0 if progress.percent is None else _LEAST_BAR + len(_GAP)
    room = width - len(head) - bar_width
    shown = []
    for name in _BY_IMPORTANCE:
        text = parts.get(name)
        if text is not None and len(_GAP) + len(text) <= room:
            shown.append(text)
            room -= len(_GAP) + len(text)
    if progress.percent is not None and room >= 0:
        drawn = _bar(progress.percent, min(_LONGEST_BAR, _LEAST_BAR + room), bar)
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


def _head(progress: Progress) -> str:
    if progress.percent is None:
        return progress.phase
    # Rounded down: 100 % is said only when it is done.
    return f"{progress.phase} {int(progress.percent)}%"


def _parts(progress: Progress) -> dict[str, str]:
    parts = {}
    if progress.remaining_s:
        parts["left"] = f"{format_seconds(progress.remaining_s)} left"
    if progress.rows:
        parts["rows"] = f"{progress.rows:,} rows"
    if progress.rate:
        parts["rate"] = f"{progress.rate:,.0f} rows/s"
    if progress.total_bytes:
        done, total = progress.done_bytes / _MB, progress.total_bytes / _MB
        parts["size"] = f"{done:,.1f} of {total:,.1f} MB"
    elif progress.done_bytes:
        parts["size"] = f"{progress.done_bytes / _MB:,.1f} MB"
    return parts


def _bar(percent: float, width: int, kinds: tuple[str, str]) -> str:
    filled = int(width * percent / 100)
    return kinds[0] * filled + kinds[1] * (width - filled)
