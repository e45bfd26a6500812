"""Totals of all processes and the last survey, in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.store.errors import UnreadableRecord
from worker.store.monitoring.survey import CODEC, Survey
from worker.store.server import Database
from worker.store.server.scripts import Argument

#: How long it is remembered which batch of a process was counted last; a process repeats one
#: within seconds after the store answers again.
_REMEMBERED_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Monitored:
    """The totals and the survey, read in one step."""

    now_ms: int
    """By the server's clock, Unix ms."""
    counts: Mapping[str, int]
    survey: Survey | None
    """``None``: there is none yet, or another release wrote it."""


class MonitoringStore:
    """Keeps totals that survive every process, and one survey.

    Totals only grow, until the store loses data. Cost: one round trip a call, and about 5 µs of
    the server. Every method may raise ``StoreUnavailable``; retrying is safe.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def count(self, process: str, number: int, counts: Mapping[str, int]) -> bool:
        """Add a batch to the totals, once.

        Args:
            process: Who counted.
            number: Of the batch, greater than those before; the same for a repetition.
            counts: What to add to each field.

        Returns:
            Whether this call added it, and not an earlier one.
        """
        keys = [self._db.keys.counters(), self._db.keys.counted(process)]
        args: list[Argument] = [number, _REMEMBERED_S]
        for field, added in counts.items():
            args += [field, added]
        return bool(self._db.run("add up what was counted", "monitoring/count", keys, args))

    def put_survey(self, survey: Survey) -> None:
        """Keep this survey in place of the one before."""
        self._db.run(
            "keep the survey", "monitoring/put", [self._db.keys.survey()], [CODEC.encode(survey)]
        )

    def read(self) -> Monitored:
        """Read the totals and the survey."""
        keys = [self._db.keys.counters(), self._db.keys.survey()]
        now_ms, counts, text = self._db.run("read what was counted", "monitoring/read", keys)
        pairs = zip(counts[::2], counts[1::2], strict=True)
        return Monitored(
            int(now_ms),
            {field.decode(): int(total) for field, total in pairs},
            _decoded(text),
        )


def _decoded(text: bytes | None) -> Survey | None:
    try:
        return CODEC.decode(text, "the survey") if text else None
    except UnreadableRecord:
        return None
