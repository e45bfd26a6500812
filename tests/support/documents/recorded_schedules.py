"""Records schedules of exports; no worker is there to do what they start."""

from typing import Any, Final

from tests.support.documents import names
from tests.support.documents.recorded_segments import BIG
from tests.support.documents.recording import Recorder

#: One that stays, for the cases that need one.
NIGHTLY: Final[dict[str, Any]] = {
    "key": names.SCHEDULE,
    "cron": "0 2 * * *",
    "timeZone": "UTC",
    "export": {"format": "csv", "compression": "gzip", "header": True},
    "keepLast": 7,
    "keepDays": None,
    "paused": False,
}
WEEKLY: Final[dict[str, Any]] = {
    "key": names.SECOND_SCHEDULE,
    "cron": "0 2 * * 1",
    "timeZone": "Europe/Berlin",
}


def record_schedules(recorder: Recorder) -> None:
    """Leaves a schedule of the big segment, with one run."""
    ask, create = recorder.ask, "createBigSegmentExportSchedule"
    first = {**BIG, "scheduleKey": names.SCHEDULE}
    second = {**BIG, "scheduleKey": names.SECOND_SCHEDULE}
    ask(create, "each Monday", path=BIG, body=WEEKLY, status=201)
    ask(create, "each night, the last seven files", path=BIG, body=NIGHTLY, status=201)
    ask(create, path=BIG, body=WEEKLY, status=409)
    ask(create, path=BIG, body={**WEEKLY, "cron": "every monday"}, status=400)
    _record_runs(recorder, first)
    patch = "patchBigSegmentExportSchedule"
    ask(patch, "pause", path=second, body={"paused": True})
    later = {"cron": "30 3 * * 1", "keepDays": 90, "version": 2}
    ask(patch, "another time, if nobody else has changed it", path=second, body=later)
    ask(patch, path=second, body=later, status=412)
    ask(patch, path=second, body={"cron": "* * * * *"}, status=400)
    ask("getBigSegmentExportSchedules", "all", path=BIG)
    ask("deleteBigSegmentExportSchedule", path=second, status=204)


def _record_runs(recorder: Recorder, path: dict[str, str]) -> None:
    ask, run = recorder.ask, "runBigSegmentExportSchedule"
    asked: dict[str, Any] = {"path": path, "headers": {"Idempotency-Key": "before-the-sale"}}
    ask(run, "now", **asked)
    other = {"headers": asked["headers"], "path": {**BIG, "scheduleKey": names.SECOND_SCHEDULE}}
    ask(run, **other, status=422)
    ask("getBigSegmentExportSchedule", "with a run", path=path)
