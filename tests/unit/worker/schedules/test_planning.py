"""What a schedule does next, by the clock alone."""

from dataclasses import replace
from typing import Final

import pytest

from tests.support.store.schedules import new_schedule, run_of
from worker.schedules.planning import follow_clock, plan_run
from worker.schedules.settling import outdated
from worker.store import ExportRequest, ListRef, Retention
from worker.store.schedules import MOST_KEPT, KeptFiles

REF: Final = ListRef("default", "production", "vip", 1)
NOW_MS: Final = 1_900_000_020_000
HOUR_MS: Final = 3_600_000
_FIRST_MS: Final = NOW_MS - NOW_MS % HOUR_MS + HOUR_MS
HOURLY: Final = new_schedule(REF, now_ms=NOW_MS, cron="0 * * * *")


@pytest.mark.parametrize(
    ("late_ms", "cause", "passed_over", "due_ms"),
    [
        (0, "due", 0, _FIRST_MS),
        (59_000, "due", 0, _FIRST_MS),
        (61_000, "caught_up", 0, _FIRST_MS),
        (HOUR_MS - 1, "caught_up", 0, _FIRST_MS),
        (HOUR_MS, "caught_up", 1, _FIRST_MS + HOUR_MS),
        (30 * HOUR_MS + 5, "caught_up", 30, _FIRST_MS + 30 * HOUR_MS),
    ],
)
def test_plan__at_a_time_after_it_was_due__is_the_last_due_time(
    late_ms: int, cause: str, passed_over: int, due_ms: int
) -> None:
    planned = plan_run(HOURLY, _FIRST_MS + late_ms)
    assert planned is not None
    run = planned.run
    assert (run.cause, run.passed_over, run.due_ms) == (cause, passed_over, due_ms)
    assert planned.schedule.next_ms == due_ms + HOUR_MS
    assert planned.schedule.runs == (run,)
    assert run.export_id == HOURLY.run_id(due_ms) != HOURLY.run_id(due_ms + 1)


def test_plan__before_it_is_due_or_paused__is_nothing() -> None:
    assert plan_run(HOURLY, _FIRST_MS - 1) is None
    assert plan_run(replace(HOURLY, paused=True), _FIRST_MS) is None
    assert plan_run(replace(HOURLY, next_ms=None), _FIRST_MS) is None


def test_follow_clock__set_back__is_noticed_beyond_the_difference_of_hosts() -> None:
    ahead = replace(HOURLY, checked_ms=_FIRST_MS, next_ms=_FIRST_MS + HOUR_MS)
    assert follow_clock(ahead, _FIRST_MS - 60_000) is None
    assert follow_clock(replace(ahead, paused=True), NOW_MS - HOUR_MS) is None
    back = follow_clock(ahead, _FIRST_MS - 61_000)
    assert back is not None
    assert (back.checked_ms, back.next_ms) == (_FIRST_MS - 61_000, _FIRST_MS)


def _kept(count: int) -> list[KeptFiles]:
    """The newest first, one each hour."""
    return [KeptFiles(ExportRequest(f"x{n}", REF, 0), NOW_MS - n * HOUR_MS) for n in range(count)]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Retention(last=2), 2),
        (Retention(days=1), 25),
        (Retention(last=3, days=1), 3),
        (Retention(last=40, days=1), 25),
    ],
    ids=["last", "days", "both", "days first"],
)
def test_outdated__by_number_and_age__are_all_but_the_newest(keep: Retention, left: int) -> None:
    kept = _kept(30)
    assert outdated(replace(HOURLY, keep=keep), kept, NOW_MS) == kept[left:]


def test_outdated__without_a_number__is_bounded() -> None:
    kept = _kept(MOST_KEPT + 3)
    assert outdated(replace(HOURLY, keep=Retention(days=3_650)), kept, NOW_MS) == kept[MOST_KEPT:]


def test_runs__more_than_are_shown__are_kept_until_they_have_ended() -> None:
    schedule = HOURLY
    for n in range(150):
        run = run_of(schedule, NOW_MS + n)
        schedule = schedule.with_run(run if n % 2 else run.end("complete", NOW_MS))
    assert len(schedule.runs) == 80, "ten, and of those before them the half that has not ended"
    assert [run.due_ms for run in schedule.runs[:2]] == [NOW_MS + 149, NOW_MS + 148]
    for run in schedule.runs:
        schedule = schedule.with_run(run.end("complete", NOW_MS))
    assert len(schedule.runs) == 10
