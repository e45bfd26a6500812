"""Where the files of a scheduled export go: an address with placeholders, and how they are filled.

``s3://lake/exports/{segment}/{date}/`` becomes ``s3://lake/exports/vip/2026-03-29/``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_BRACE: Final = re.compile(r"[{}]")
#: In the order in which they are listed.
PLACEHOLDERS: Final = (
    *("date", "year", "month", "day", "time", "utc"),
    *("project", "environment", "segment", "schedule", "export"),
)


@dataclass(frozen=True, slots=True)
class Filling:
    """What the placeholders stand for in one run."""

    due: datetime
    """When it was due, as the clock of the schedule's time zone shows it."""
    project: str
    environment: str
    segment: str
    schedule: str
    export_id: str

    def fill(self, template: str) -> str:
        """The address of this run. The template must have no fault; see :func:`find_fault`."""
        values = self._values()
        return _PLACEHOLDER.sub(lambda found: values[found[1]], template)

    def _values(self) -> dict[str, str]:
        due = self.due
        return {
            "date": f"{due:%Y-%m-%d}",
            "year": f"{due:%Y}",
            "month": f"{due:%m}",
            "day": f"{due:%d}",
            # Where clocks go back, an hour has the same times as the one before; `utc` differs.
            "time": f"{due:%H%M}",
            "utc": f"{due.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            "project": self.project,
            "environment": self.environment,
            "segment": self.segment,
            "schedule": self.schedule,
            "export": self.export_id,
        }


def has_braces(address: str) -> bool:
    """Whether an address is a template, or looks like one."""
    return _BRACE.search(address) is not None


def find_fault(template: str) -> str | None:
    """What is wrong with a template, such as an unknown placeholder; ``None`` if nothing is."""
    for found in _PLACEHOLDER.finditer(template):
        if found[1] not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            return f"there is no placeholder {found[0][:40]}: use {known}"
    if has_braces(_PLACEHOLDER.sub("", template)):
        return "a brace stands alone: placeholders are written like {date}"
    return None
