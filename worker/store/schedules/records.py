"""Schedules of exports as records."""

import json
import uuid
from dataclasses import dataclass, replace
from typing import Final, Literal

from worker.options.exports import ExportOptions
from worker.store.jobs.records import ExportRequest
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.records import stored

Cause = Literal["due", "caught_up", "manual"]
RunStatus = Literal["running", "complete", "stopped"]

#: Runs that a schedule's record shows, the newest ones; and with those that have not ended.
SHOWN_RUNS: Final = 10
_MOST_RUNS: Final = 100
_LONGEST_REASON: Final = 500
_NAMESPACE: Final = uuid.UUID("0d0c6f3e-7f0b-5a86-8a55-4b8c0a1f2e9d")


@stored
@dataclass(frozen=True, slots=True)
class Retention:
    """Which files of a schedule are kept; without any bound, all of them are."""

    last: int | None = None
    """The files of so many runs, the newest ones."""
    days: int | None = None
    """Files that are no older than this."""

    @property
    def is_bounded(self) -> bool:
        """Whether any file is ever deleted."""
        return self.last is not None or self.days is not None


@stored
@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """One export that a schedule has started, or could not start."""

    export_id: str
    due_ms: int
    """When it was due; of one that was started by hand, when that was."""
    started_ms: int
    cause: Cause
    passed_over: int = 0
    """Due times before it that were missed and have no run, at most 1,000 of them."""
    announced: bool = False
    """Whether all that follows its start is done; upkeep does it again until then."""
    status: RunStatus = "running"
    reason: str | None = None
    """Why it was stopped."""
    ended_ms: int | None = None
    rows: int | None = None

    def end(
        self,
        status: RunStatus,
        ended_ms: int,
        *,
        reason: str | None = None,
        rows: int | None = None,
    ) -> "ScheduleRun":
        """The same run with its end."""
        short = None if reason is None else reason[:_LONGEST_REASON]
        return replace(
            self, announced=True, status=status, ended_ms=ended_ms, reason=short, rows=rows
        )


@stored
@dataclass(frozen=True, slots=True)
class ExportSchedule:
    """When a list is exported, how, and what came of it."""

    env: EnvironmentRef
    segment: str
    generation: int
    key: str
    id: str
    """Never used twice, unlike its key."""
    cron: str
    time_zone: str
    options: ExportOptions
    keep: Retention
    paused: bool
    version: int
    """1, and one more with each change that somebody makes."""
    created_ms: int
    modified_ms: int
    created_by: str
    checked_ms: int
    """Due times up to this one are done with: they have a run, or will never have one."""
    next_ms: int | None
    """The first due time after that; ``None`` if there is none."""
    runs: tuple[ScheduleRun, ...] = ()
    """The last ones, and those that have not ended; the newest first."""

    @property
    def list_ref(self) -> ListRef:
        """The list that is exported."""
        return ListRef(self.env.project, self.env.environment, self.segment, self.generation)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"schedule {self.key} of segment {self.segment}"

    @property
    def field(self) -> str:
        """The field of the environment's hash that holds it."""
        return f"{self.list_ref.name}:{self.key}"

    def run_id(self, due_ms: int) -> str:
        """The id of the export of a due time: the same for everybody who may start it."""
        return str(uuid.uuid5(_NAMESPACE, json.dumps([self.id, due_ms])))

    def with_run(self, run: ScheduleRun) -> "ExportSchedule":
        """The same schedule with one run more, or with a run as it is now."""
        others = (one for one in self.runs if one.export_id != run.export_id)
        newest = sorted((run, *others), key=lambda one: -one.started_ms)
        kept = [one for n, one in enumerate(newest) if n < SHOWN_RUNS or one.status == "running"]
        return replace(self, runs=tuple(kept[:_MOST_RUNS]))


@stored
@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The files of one run of a schedule that does not keep all of them."""

    request: ExportRequest
    """The export, which says where they are; its own record may go before they do."""
    written_ms: int
