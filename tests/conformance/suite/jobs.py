"""Jobs are worked on unit by unit under leases that server time ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.servers.redis import wait_until
from tests.support.store.building import publish, write_side
from tests.support.store.jobs import import_request, new_job
from tests.support.store.stores import PRODUCTION, keys_of
from worker.options.exports import ExportOptions
from worker.store import (
    ExportRequest,
    ImportInProgress,
    JobNotFound,
    JobRef,
    ListRef,
    Store,
    admit_export,
    admit_import,
)
from worker.store.jobs import share_entry
from worker.store.jobs.job_store import Taken
from worker.store.jobs.stage_state import EDITED, LAST_ERROR
from worker.store.jobs.units import Drained, Ended, Exhausted, Unit
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.records import RecordCodec
from worker.store.workflows import record_end

LONG_MS, SHORT_MS = 60_000, 40
NUMBERS = RecordCodec(int)


def _take(store: Store, job: JobRef, lease_ms: int = LONG_MS) -> Unit:
    unit = store.jobs.take(job, lease_ms=lease_ms, most_tries=3)
    assert isinstance(unit, Unit)
    return unit


def _take_later(store: Store, job: JobRef) -> Taken:
    """Take a unit as soon as one is to be had."""
    taken: list[Taken] = []

    def found() -> bool:
        unit = store.jobs.take(job, lease_ms=SHORT_MS, most_tries=3)
        if unit is not None:
            taken.append(unit)
        return bool(taken)

    wait_until(found, "a unit is free")
    return taken[0]


def _finish(store: Store, job: JobRef, unit: Unit) -> int | None:
    return store.jobs.finish(job, unit, NUMBERS.encode(unit.number), rows=10, size_bytes=100)


class JobSuite:
    def test_create__import__is_read_back(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref)
        state = store.jobs.get(job)
        assert state.request == import_request(ref)
        assert (state.stage, state.units, state.status) == ("scatter", 3, "in_progress")
        assert (state.reason, state.ended_ms, state.report) == (None, None, None)
        assert store.jobs.active(PRODUCTION) == [job]
        assert JobRef.parse(str(job)) == job

    def test_get__no_such_job__is_not_found(self, store: Store, ref: ListRef) -> None:
        with pytest.raises(JobNotFound):
            store.jobs.get(import_request(ref).ref)
        assert store.jobs.take(import_request(ref).ref, lease_ms=LONG_MS, most_tries=3) is None

    def test_take__by_many__each_unit_once(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref, units=8)
        with ThreadPoolExecutor(8) as pool:
            units = list(
                pool.map(lambda _: store.jobs.take(job, lease_ms=LONG_MS, most_tries=3), range(12))
            )
        numbers = sorted(unit.number for unit in units if isinstance(unit, Unit))
        assert numbers == list(range(8))
        assert units.count(None) == 4

    def test_finish__all_units__tells_how_many_are_left(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref)
        units = [_take(store, job) for _ in range(3)]
        assert [_finish(store, job, units[n]) for n in (0, 0, 1, 0, 2)] == [2, None, 1, None, 0]
        assert [_finish(store, job, unit) for unit in units] == [None] * 3
        assert store.jobs.results(job, "scatter", 3, NUMBERS) == [0, 1, 2]
        progress = store.jobs.get(job).progress
        assert (progress.rows_done, progress.bytes_done) == (30, 300)
        assert progress.started_ms is not None
        with pytest.raises(JobNotFound, match="lost results"):
            store.jobs.results(job, "scatter", 4, NUMBERS)

    def test_lease__run_out__unit_is_taken_again_until_exhausted(
        self, store: Store, ref: ListRef
    ) -> None:
        job = new_job(store, ref, units=1)
        first = _take(store, job, SHORT_MS)
        assert first.attempt == 1
        second, third = _take_later(store, job), _take_later(store, job)
        assert isinstance(second, Unit)
        assert isinstance(third, Unit)
        assert (second.attempt, third.attempt) == (2, 3)
        assert len({first.token, second.token, third.token}) == 3
        assert _take_later(store, job) == Exhausted("scatter", 0, 3)
        assert not store.jobs.renew(job, first, lease_ms=LONG_MS, rows=1, size_bytes=1)
        assert _finish(store, job, first) == 0, "whose try it is does not matter"

    def test_renew__own_lease__prolongs_it(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref, units=1)
        unit = _take(store, job, SHORT_MS)
        assert store.jobs.renew(job, unit, lease_ms=LONG_MS, rows=7, size_bytes=70)
        assert store.jobs.take(job, lease_ms=LONG_MS, most_tries=3) is None
        progress = store.jobs.get(job).progress
        assert (progress.rows_done, progress.bytes_done) == (7, 70)

    def test_renew__later_try_with_less_progress__shows_the_most(
        self, store: Store, ref: ListRef
    ) -> None:
        job = new_job(store, ref, units=1)
        store.jobs.note_entered(job, "scatter")
        for part in (0.5, 0.25):
            unit = _take_later(store, job)
            assert isinstance(unit, Unit)
            share = share_entry("scatter", 0, part)
            figures = {"rows": int(8 * part), "size_bytes": int(80 * part)}
            assert store.jobs.renew(job, unit, lease_ms=SHORT_MS, share=share, **figures)
            progress = store.jobs.get(job).progress
            assert (progress.rows_done, progress.bytes_done) == (4, 40)
            assert progress.share == 0.5 * 0.3 + 0.01

    def test_outcome__recorded_again__is_in_the_log_once(self, store: Store, ref: ListRef) -> None:
        request = import_request(ref)
        admit_import(store, request)
        record_end(store, request)
        assert not list(store.audit.newest([PRODUCTION])), "it has not ended"
        store.jobs.end(request.ref, "stopped", reason="why", keep_s=60)
        for _ in range(2):
            record_end(store, request)
        (entry,) = store.audit.newest([PRODUCTION])
        assert entry.change.actions == ("stopBigSegmentImport",)
        assert entry.change.after is not None
        assert entry.change.after["reason"] == "why"

    def test_give_back__after_the_pause__can_be_taken(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref, units=1)
        unit = _take(store, job)
        store.jobs.give_back(job, unit, pause_ms=SHORT_MS)
        store.jobs.give_back(job, unit, pause_ms=LONG_MS)
        again = _take_later(store, job)
        assert isinstance(again, Unit)
        assert again.attempt == 2

    def test_advance__from_the_right_stage__once(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref, units=1)
        unit = _take(store, job)
        assert not store.jobs.advance(job, "gather", "publish", 1)
        assert store.jobs.advance(job, "scatter", "gather", 2, LAST_ERROR.entry("e"))
        assert not store.jobs.advance(job, "scatter", "gather", 2)
        assert store.jobs.read(job, LAST_ERROR) == "e"
        assert store.jobs.read(job, EDITED) is None
        assert _finish(store, job, unit) is None, "that stage is over"
        assert _take(store, job).stage == "gather"

    def test_take__all_units_done__is_drained_until_somebody_advances(
        self, store: Store, ref: ListRef
    ) -> None:
        job = new_job(store, ref, units=2)
        units = [_take(store, job) for _ in range(2)]
        _finish(store, job, units[0])
        assert store.jobs.take(job, lease_ms=LONG_MS, most_tries=3) is None, "one is leased"
        assert not store.jobs.advance(job, "scatter", "size", 1, drained=True)
        _finish(store, job, units[1])
        for _ in range(2):
            drained = store.jobs.take(job, lease_ms=LONG_MS, most_tries=3)
            assert drained == Drained("scatter", 2)
        assert store.jobs.advance(job, "scatter", "size", 1, drained=True)
        assert store.jobs.reopen(job, "size", "scatter", 2, [1])
        assert not store.jobs.advance(job, "scatter", "size", 1, drained=True), "a late opener"
        assert _take(store, job).number == 1

    def test_reopen__some_units__are_done_again(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref, units=4, stage="gather")
        for _ in range(4):
            _finish(store, job, _take(store, job))
        assert store.jobs.advance(job, "gather", "publish", 1)
        _take(store, job)
        assert store.jobs.reopen(job, "publish", "gather", 4, [1, 3])
        assert not store.jobs.reopen(job, "publish", "gather", 4, [2])
        again = [_take(store, job) for _ in range(2)]
        assert [(unit.number, unit.attempt) for unit in again] == [(1, 1), (3, 1)]
        assert [_finish(store, job, unit) for unit in again] == [1, 0]
        assert store.jobs.advance(job, "gather", "publish", 1)
        assert _take(store, job).attempt == 1

    def test_end__job__is_ended_once_and_does_no_more(self, store: Store, ref: ListRef) -> None:
        job = new_job(store, ref)
        unit = _take(store, job)
        assert store.jobs.end(job, "stopped", reason="why", keep_s=60)
        assert not store.jobs.end(job, "complete", report={"rowsRead": 1}, keep_s=60)
        state = store.jobs.get(job)
        assert (state.status, state.reason, state.report) == ("stopped", "why", None)
        assert state.ended_ms is not None
        assert store.jobs.active(PRODUCTION) == [job], "until what it used is freed"
        assert store.jobs.take(job, lease_ms=LONG_MS, most_tries=3) == Ended()
        store.jobs.forget(job)
        assert store.jobs.active(PRODUCTION) == []
        assert not store.jobs.is_active(job)
        assert _finish(store, job, unit) is None
        assert not store.jobs.renew(job, unit, lease_ms=LONG_MS, rows=0, size_bytes=0)
        assert not store.jobs.advance(job, "scatter", "gather", 1)

    def test_late_writer__record_expired__brings_nothing_back(
        self, store: Store, ref: ListRef
    ) -> None:
        job = new_job(store, ref)
        unit = _take(store, job)
        store.client.unlink(store.keyspace.job(job.env, job.kind, job.job_id))
        before = keys_of(store)
        store.jobs.write(job, LAST_ERROR, "x")
        store.jobs.give_back(job, unit, pause_ms=0)
        assert _finish(store, job, unit) is None
        assert not store.jobs.renew(job, unit, lease_ms=1, rows=0, size_bytes=0)
        assert not store.jobs.advance(job, "scatter", "gather", 1)
        store.jobs.end(job, "stopped", keep_s=60)
        store.jobs.forget(job)
        assert keys_of(store) < before

    def test_admit__import__is_claimed_and_ready(self, store: Store, ref: ListRef) -> None:
        admit_import(store, import_request(ref))
        assert store.jobs.get(import_request(ref).ref).status == "ready"
        assert store.memberships.state(ref).building == "i1"
        with pytest.raises(ImportInProgress):
            admit_import(store, import_request(ref, "i2"))
        refused = store.jobs.get(import_request(ref, "i2").ref)
        assert refused.status == "stopped"
        assert store.jobs.active(PRODUCTION) == [import_request(ref).ref]
        assert _take(store, import_request(ref).ref).stage == "plan"
        target = store.builds.prepare(ref, "i1", 4, 0)
        write_side(store, ref, "i1", INCLUDED, ["a"], 4)
        write_side(store, ref, "i1", EXCLUDED, [], 0)
        publish(store, ref, "i1", target)
        admit_import(store, import_request(ref, "i3"))

    def test_admit__export__is_taken_and_read_back(self, store: Store, ref: ListRef) -> None:
        request = ExportRequest("x1", ref, created_ms=5, options=ExportOptions(format="parquet"))
        admit_export(store, request)
        assert store.jobs.get(request.ref).request == request
        assert _take(store, request.ref).stage == "write"
        assert store.exports.newest(ref) == [request.ref]
        assert request.ref in [found.request.ref for found in store.exports.overviews(ref.env)]
        assert store.imports.newest(ref) == []
        store.exports.forget(ref)
        assert store.exports.newest(ref) == []

    def test_take_turn__many_callers__one_each_period(self, store: Store) -> None:
        with ThreadPoolExecutor(4) as pool:
            turns = list(pool.map(lambda _: store.jobs.take_turn("sweep", 60_000), range(8)))
        assert turns.count(True) == 1
        assert store.jobs.take_turn("other", SHORT_MS)
        wait_until(lambda: store.jobs.take_turn("other", SHORT_MS), "the period ends")
