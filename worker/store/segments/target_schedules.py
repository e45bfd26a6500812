"""Targets of standard segments that are to be removed at a set time, and how they are stored.

They follow what the segment targets, on a line of their own, so that both change in one step
and whoever wants only one of them need not read the other.
"""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass

from worker.store.errors import StoreUnavailable
from worker.store.keyspace import Side

_LINE = b"\n"


@dataclass(frozen=True, slots=True)
class TargetSchedule:
    """One removal to come."""

    id: str
    version: int
    """1, and one more with each update."""
    side: Side
    context_kind: str
    key: str
    due_ms: int

    @property
    def target(self) -> tuple[Side, str, str]:
        """What it is about; a target has one schedule at most."""
        return self.side, self.context_kind, self.key


def split_stored(text: bytes | None) -> tuple[bytes | None, bytes | None]:
    """The stored text as what is targeted and what of it expires. Cost: no reading."""
    if text is None:
        return None, None
    targeting, _, schedules = text.partition(_LINE)
    return targeting, schedules or None


def joined_text(targeting: str | None, schedules: Iterable[TargetSchedule]) -> str:
    """What is to be stored; '' when nothing is targeted."""
    plain = [dataclasses.asdict(one) for one in schedules]
    if targeting is None or not plain:
        return targeting or ""
    return f"{targeting}\n{json.dumps(plain, ensure_ascii=False, separators=(',', ':'))}"


def decode_schedules(text: bytes | None) -> tuple[TargetSchedule, ...]:
    """Read the second line.

    Raises:
        StoreUnavailable: it was written by another release.
    """
    if text is None:
        return ()
    try:
        return tuple(TargetSchedule(**fields) for fields in json.loads(text))
    except (ValueError, TypeError) as exc:
        message = "the schedules of a segment are not readable by this release"
        raise StoreUnavailable(message) from exc


def earliest_ms(schedules: Iterable[TargetSchedule]) -> int | None:
    """When the first target expires."""
    return min((one.due_ms for one in schedules), default=None)
