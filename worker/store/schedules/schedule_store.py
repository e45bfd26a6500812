"""The schedules of each environment: written as they were read, and claimed once for each run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from worker.store.errors import (
    ScheduleExists,
    ScheduleNotFound,
    SegmentNotFound,
    TooManySchedules,
    UnreadableRecord,
)
from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import ExportRequest
from worker.store.jobs.stage_state import encode_request
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.records import RecordCodec
from worker.store.schedules.records import ExportSchedule, KeptFiles
from worker.store.server import Database, driver_errors
from worker.store.server.scripts import Argument

logger = logging.getLogger("bigseg.schedules")

#: Why a claim failed: the schedule is no longer as it was read; its segment is deleted; or its
#: export was started before.
Unclaimed = Literal["changed", "gone", "ran"]

#: Runs of one schedule whose files can be kept by a bound.
MOST_KEPT: Final = 1_000

_CODEC: Final = RecordCodec(ExportSchedule, outside=["env"])
_KEPT: Final = RecordCodec(KeptFiles)


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule as it was read; it is replaced only if it has not changed since."""

    text: bytes
    value: ExportSchedule


class ExportScheduleStore:
    """Every method may raise ``StoreUnavailable``. Cost: one round trip each."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, schedule: ExportSchedule, *, most: int) -> StoredSchedule:
        """Write a new schedule.

        Args:
            schedule: The schedule.
            most: How many its environment may have.

        Raises:
            ScheduleExists: its segment has one of this key; also after a lost answer.
            TooManySchedules: the environment has as many as it may.
            SegmentNotFound: the segment was deleted.
        """
        text, ref, keys = _CODEC.encode(schedule), schedule.list_ref, self._db.keys
        names = [
            keys.export_schedules(schedule.env),
            keys.segments(schedule.env),
            keys.environment_state(schedule.env),
        ]
        arguments = (schedule.field, text, most, ref.segment, ref.generation)
        match self._db.run(f"create {schedule.name}", "schedule/create", names, arguments):
            case b"exists":
                raise ScheduleExists(f"{schedule.name} exists already")
            case b"full":
                message = (
                    f"environment {schedule.env.environment} has {most:,} export schedules,"
                    " the most that it may have: delete one, or raise BIGSEG_SCHEDULES"
                )
                raise TooManySchedules(message)
            case b"gone":
                raise SegmentNotFound(f"segment {ref.segment} was deleted")
        return StoredSchedule(text, schedule)

    def get(self, ref: ListRef, key: str) -> StoredSchedule:
        """Read one schedule of a list. Safe to retry.

        Raises:
            ScheduleNotFound: the list has none of this key.
            UnreadableRecord: it is damaged, or of another release.
        """
        name = f"{ref.name}:{key}"
        with driver_errors(f"read schedule {key}"):
            text = self._db.client.hget(self._db.keys.export_schedules(ref.env), name)
        if text is None:
            raise ScheduleNotFound(f"segment {ref.segment} has no export schedule {key}")
        return StoredSchedule(text, _decode(ref.env, name, text))

    def read_all(self, env: EnvironmentRef) -> list[StoredSchedule]:
        """All readable schedules of an environment, by segment and key. Safe to retry."""
        with driver_errors(f"list export schedules of {env.environment}"):
            found = self._db.client.hgetall(self._db.keys.export_schedules(env))
        schedules = []
        for name, text in sorted(found.items()):
            try:
                schedules.append(StoredSchedule(text, _decode(env, name.decode(), text)))
            except UnreadableRecord as exc:
                facts = {"schedule": name.decode(), "reason": str(exc)}
                logger.warning("schedule.unreadable", extra=facts)
        return schedules

    def read_of(self, ref: ListRef) -> list[StoredSchedule]:
        """The readable schedules of one list, by key. Safe to retry."""
        return [one for one in self.read_all(ref.env) if one.value.list_ref == ref]

    def replace(self, stored: StoredSchedule, changed: ExportSchedule) -> StoredSchedule | None:
        """Replace a schedule that has not changed since it was read; ``None`` if it has."""
        text = _CODEC.encode(changed)
        return StoredSchedule(text, changed) if self._put(stored, text) else None

    def remove(self, stored: StoredSchedule) -> bool:
        """Remove a schedule that has not changed since it was read, and the record of its files.

        Returns:
            Whether it was removed; one that has changed stays.
        """
        removed = self._put(stored, b"")
        if removed:
            self._forget_files(stored.value.env, [stored.value.id])
        return removed

    def claim(
        self, stored: StoredSchedule, changed: ExportSchedule, request: ExportRequest
    ) -> StoredSchedule | Unclaimed:
        """Start an export of a schedule that has not changed since it was read, in one step.

        Safe to retry: a second try finds the schedule changed.

        Args:
            stored: As it was read.
            changed: The same with its run, and with what is due next.
            request: The export, of which the record is written.

        Returns:
            The schedule as it is then, or why nothing was started.
        """
        ref, keys, env = stored.value.list_ref, self._db.keys, stored.value.env
        text = _CODEC.encode(changed)
        names = [
            keys.export_schedules(env),
            keys.segments(env),
            keys.environment_state(env),
            keys.job(env, "export", request.export_id),
            keys.active_jobs(env),
        ]
        arguments: list[Argument] = [
            *(stored.value.field, stored.text, text),
            *(ref.segment, ref.generation),
            *(encode_request(request), ABANDONED_S, str(request.ref)),
        ]
        reply = self._db.run(f"start {stored.value.name}", "schedule/claim", names, arguments)
        if reply == b"started":
            return StoredSchedule(text, changed)
        return cast("Unclaimed", reply.decode())

    def forget(self, of: ListRef | EnvironmentRef) -> int:
        """Remove all schedules of a deleted list or environment. Safe to retry.

        Cost: one round trip, and two more if there are any.

        Returns:
            How many there were.
        """
        env = of.env if isinstance(of, ListRef) else of
        found = self.read_of(of) if isinstance(of, ListRef) else self.read_all(env)
        key = self._db.keys.export_schedules(env)
        if found:
            self._forget_files(env, [one.value.id for one in found])
            with driver_errors(f"remove export schedules of {env.environment}"):
                self._db.client.hdel(key, *(one.value.field for one in found))
        if isinstance(of, EnvironmentRef):
            with driver_errors(f"remove export schedules of {env.environment}"):
                self._db.client.unlink(key)
        return len(found)

    def keep(self, schedule: ExportSchedule, files: KeptFiles) -> None:
        """Note the files of a run, to delete them when they are no longer kept. Safe to retry."""
        key = self._db.keys.export_schedule_files(schedule.env, schedule.id)
        with driver_errors(f"note files of {schedule.name}"):
            self._db.client.hset(key, files.request.export_id, _KEPT.encode(files))

    def kept(self, schedule: ExportSchedule) -> list[KeptFiles]:
        """The files that were noted, the newest first. Safe to retry."""
        key = self._db.keys.export_schedule_files(schedule.env, schedule.id)
        with driver_errors(f"list files of {schedule.name}"):
            found = self._db.client.hgetall(key)
        kept = [_KEPT.decode(text, f"files of {schedule.name}") for text in found.values()]
        return sorted(kept, key=lambda one: (-one.written_ms, one.request.export_id))

    def drop(self, schedule: ExportSchedule, files: KeptFiles) -> None:
        """Forget files that are deleted. Safe to retry."""
        key = self._db.keys.export_schedule_files(schedule.env, schedule.id)
        with driver_errors(f"forget files of {schedule.name}"):
            self._db.client.hdel(key, files.request.export_id)

    def _put(self, stored: StoredSchedule, text: bytes) -> bool:
        key = self._db.keys.export_schedules(stored.value.env)
        arguments = (stored.value.field, stored.text, text, 0)
        what = f"write {stored.value.name}"
        return bool(self._db.run(what, "project/put_record", [key], arguments))

    def _forget_files(self, env: EnvironmentRef, ids: Sequence[str]) -> None:
        keys = [self._db.keys.export_schedule_files(env, one) for one in ids]
        with driver_errors(f"forget files of export schedules of {env.environment}"):
            self._db.client.unlink(*keys)


def _decode(env: EnvironmentRef, name: str, text: bytes) -> ExportSchedule:
    return _CODEC.decode(text, f"export schedule {name} in {env.environment}", env=env)
