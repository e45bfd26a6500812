"""Ten days of two upkeeps that are killed at random, by a clock that is fast and goes wrong."""

import mmap
import os
import random
import signal
import struct
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.support.servers.redis import Server, wait_until
from tests.support.store.schedules import new_schedule
from tests.support.store.stores import PRODUCTION, new_list, open_client, open_database_of, opened
from worker.jobs.services import Services
from worker.schedules import run_schedules
from worker.settings import WorkerSettings
from worker.store import ExportRequest, ListRef, Store, assemble
from worker.timetables import Timetable

_HOUR_MS: Final = 3_600_000
_DAYS: Final = 10
#: The night in which Berlin's clocks go back is among the ten.
_BEGIN_MS: Final = int(datetime(2026, 10, 20, 12, 7, tzinfo=UTC).timestamp()) * 1_000
_END_MS: Final = _BEGIN_MS + _DAYS * 24 * _HOUR_MS
_SCHEDULES: Final = {
    "daily": ("30 2 * * *", "Europe/Berlin"),
    "often": ("15 */4 * * *", "Europe/Berlin"),
    "workdays": ("0 9 * * 1-5", "America/New_York"),
}


class _Clock:
    """A time that several processes share, and one of them sets."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def set(self, now_ms: int) -> None:
        self._memory[:] = struct.pack("q", now_ms)

    def now_ms(self) -> int:
        found: int = struct.unpack("q", self._memory[:])[0]
        return found


class _Upkeep:
    """A process that takes turns at the schedules, as fast as it can."""

    def __init__(self, server: Server, prefix: str, clock: _Clock) -> None:
        self._server, self._prefix, self._clock = server, prefix, clock
        self._pid = 0
        self.start()

    def start(self) -> None:
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._run()
            finally:
                os._exit(1)

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _run(self) -> None:
        store = assemble(open_database_of(open_client(self._server), self._prefix))
        services = _services(store, self._clock.now_ms)
        while True:
            run_schedules(services)
            time.sleep(0.001)  # leaves the rest of the core to the other one


def _services(store: Store, clock_ms: Callable[[], int]) -> Services:
    return Services(
        store=store,
        objects=None,  # type: ignore[arg-type]  # nothing is written here
        settings=WorkerSettings(),
        announce=lambda _ref, _hints: None,
        clock_ms=clock_ms,
        sleep_s=lambda _seconds: None,
        random_name=lambda: "x",
    )


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


def _due(key: str, after_ms: int, by_ms: int) -> list[int]:
    found = []
    for due_ms in Timetable(*_SCHEDULES[key]).after(after_ms):
        if due_ms > by_ms:
            break
        found.append(due_ms)
    return found


def _create(store: Store, ref: ListRef) -> None:
    for key, (cron, zone) in _SCHEDULES.items():
        schedule = new_schedule(ref, key, now_ms=_BEGIN_MS, cron=cron, time_zone=zone)
        store.export_schedules.create(schedule, most=9)


def _started(store: Store) -> dict[str, list[int]]:
    """Due times of the exports that were ever started, by schedule; each export as often as it is.

    Every record is looked at, so a second export of a due time would be seen under any id.
    """
    found: dict[str, list[int]] = {key: [] for key in _SCHEDULES}
    for job in store.jobs.active(PRODUCTION):
        request = store.jobs.request(job)
        assert isinstance(request, ExportRequest)
        found[request.initiator.removeprefix("schedule ")].append(request.created_ms)
    return {key: sorted(times) for key, times in found.items()}


def _is_done(store: Store, ref: ListRef, now_ms: int) -> bool:
    found = store.export_schedules.read_of(ref)
    return all((one.value.next_ms or 0) > now_ms for one in found)


def test_ten_days__two_upkeeps_killed_at_random__each_due_time_has_one_run(
    store: Store, valkey_server: Server
) -> None:
    ref, clock, dice = new_list(store), _Clock(), random.Random(7)
    _create(store, ref)
    due = sorted({t for key in _SCHEDULES for t in _due(key, _BEGIN_MS, _END_MS)})
    clock.set(_BEGIN_MS)
    prefix = store.keyspace.prefix
    upkeeps = [_Upkeep(valkey_server, prefix, clock) for _ in range(2)]
    kills = 0
    try:
        for now_ms in due:
            clock.set(now_ms)  # both see it in the same moment
            if dice.random() < 0.5:
                victim = dice.choice(upkeeps)
                victim.kill()
                victim.start()
                kills += 1
            if dice.random() < 0.1:
                clock.set(now_ms - dice.randrange(_HOUR_MS))  # stepped back, then right again
                clock.set(now_ms)
            wait_until(lambda now_ms=now_ms: _is_done(store, ref, now_ms), "it is started")  # type: ignore[misc]
    finally:
        for one in upkeeps:
            one.kill()
    assert kills > 20
    run_schedules(_services(store, clock.now_ms))
    for schedule in store.export_schedules.read_of(ref):
        assert all(run.announced for run in schedule.value.runs), "what a killed one left undone"
    assert _started(store) == {key: _due(key, _BEGIN_MS, _END_MS) for key in _SCHEDULES}


def test_clock__set_back_and_forth__no_due_time_is_lost_or_run_twice(store: Store) -> None:
    ref, now = new_list(store), [_BEGIN_MS]
    _create(store, ref)
    services = _services(store, lambda: now[0])

    def at(now_ms: int) -> None:
        now[0] = now_ms
        for _ in range(
            3
        ):  # a clock that was set back is noticed in one turn and followed in the next
            run_schedules(services)

    for hour in range(48):
        at(_BEGIN_MS + hour * _HOUR_MS // 2)
        if hour in {10, 30}:  # wrong by five hours for a while
            at(now[0] + 5 * _HOUR_MS)
            at(now[0] - 5 * _HOUR_MS)
    seen = _started(store)
    jobs = {job.job_id for job in store.jobs.active(PRODUCTION)}
    for one in store.export_schedules.read_of(ref):
        wanted = {one.value.run_id(t) for t in _due(one.value.key, _BEGIN_MS, now[0])}
        assert wanted <= jobs, f"{one.value.key} has missed a run"
        assert len(seen[one.value.key]) == len(wanted)


def test_downtime__of_days__last_missed_run_is_caught_up_once(store: Store) -> None:
    ref, now = new_list(store), [_BEGIN_MS]
    _create(store, ref)
    services = _services(store, lambda: now[0])
    now[0] = _BEGIN_MS + 72 * _HOUR_MS
    assert run_schedules(services) == len(_SCHEDULES)
    assert run_schedules(services) == 0
    for one in store.export_schedules.read_of(ref):
        missed = _due(one.value.key, _BEGIN_MS, now[0])
        (run,) = one.value.runs
        assert (run.due_ms, run.cause) == (missed[-1], "caught_up")
        assert run.passed_over == len(missed) - 1
        assert one.value.next_ms == Timetable(*_SCHEDULES[one.value.key]).next_after(now[0])
