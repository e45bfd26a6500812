"""Schedules of exports: written as they were read, and each run claimed once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.support.store.schedules import new_schedule, run_of
from tests.support.store.stores import PRODUCTION, keys_of, new_list_in
from worker.options.exports import ExportOptions
from worker.store import (
    EnvironmentRef,
    ExportRequest,
    ListRef,
    ScheduleExists,
    ScheduleNotFound,
    SegmentNotFound,
    Store,
    StoredSchedule,
    TooManySchedules,
    delete_environment,
    remove_segment,
    scheduled_export,
)
from worker.store.schedules import KeptFiles
from worker.store.workflows import create_environment


def _claim(store: Store, stored: StoredSchedule, due_ms: int) -> StoredSchedule | str:
    run = run_of(stored.value, due_ms)
    changed = replace(stored.value, checked_ms=due_ms).with_run(run)
    return store.export_schedules.claim(stored, changed, scheduled_export(stored.value, run))


class ExportScheduleSuite:
    def test_create__then_each_change__is_what_is_read(self, store: Store, ref: ListRef) -> None:
        first, second = new_schedule(ref, "a"), new_schedule(ref, "b")
        stored = store.export_schedules.create(first, most=2)
        store.export_schedules.create(second, most=2)
        assert store.export_schedules.get(ref, "a") == stored
        assert [one.value for one in store.export_schedules.read_of(ref)] == [first, second]
        changed = replace(first, paused=True, version=2)
        assert store.export_schedules.replace(stored, changed) is not None
        assert store.export_schedules.replace(stored, first) is None, "it has changed since"
        assert not store.export_schedules.remove(stored)
        assert store.export_schedules.get(ref, "a").value == changed
        assert store.export_schedules.remove(store.export_schedules.get(ref, "a"))
        with pytest.raises(ScheduleNotFound):
            store.export_schedules.get(ref, "a")

    def test_create__key_that_is_taken_or_one_too_many__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        store.export_schedules.create(new_schedule(ref, "a"), most=1)
        with pytest.raises(ScheduleExists):
            store.export_schedules.create(new_schedule(ref, "a"), most=1)
        with pytest.raises(TooManySchedules):
            store.export_schedules.create(new_schedule(ref, "b"), most=1)
        assert len(store.export_schedules.read_all(PRODUCTION)) == 1

    def test_create__segment_of_another_generation__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        for gone in (replace(ref, generation=ref.generation + 1), replace(ref, segment="none")):
            with pytest.raises(SegmentNotFound):
                store.export_schedules.create(new_schedule(gone, "a"), most=9)
        assert store.export_schedules.read_all(PRODUCTION) == []

    def test_claim__by_many_at_once__starts_one_export(self, store: Store, ref: ListRef) -> None:
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        with ThreadPoolExecutor(8) as threads:
            claims = [*threads.map(lambda _: _claim(store, stored, 60_000), range(16))]
        (won,) = [one for one in claims if isinstance(one, StoredSchedule)]
        assert claims.count("changed") == 15
        assert store.export_schedules.get(ref, "a") == won
        (job,) = store.jobs.active(PRODUCTION)
        assert job.job_id == stored.value.run_id(60_000)
        request = store.jobs.request(job)
        assert isinstance(request, ExportRequest)
        assert request.list_ref == ref
        assert store.jobs.get(job).stage == "write"

    def test_claim__of_a_schedule_that_was_changed__starts_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        store.export_schedules.replace(stored, replace(stored.value, version=2))
        before = keys_of(store)
        assert _claim(store, stored, 60_000) == "changed"
        assert keys_of(store) == before
        assert store.export_schedules.get(ref, "a").value.runs == ()

    def test_claim__of_a_due_time_that_has_an_export__writes_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        assert isinstance(_claim(store, stored, 60_000), StoredSchedule)
        job = store.jobs.active(PRODUCTION)[0]
        store.jobs.end(job, "stopped", keep_s=60)
        again = store.export_schedules.get(ref, "a")
        assert _claim(store, again, 60_000) == "ran"
        assert store.export_schedules.get(ref, "a") == again
        assert store.jobs.get(job).status == "stopped"

    def test_claim__of_a_deleted_segment__starts_nothing(self, store: Store, ref: ListRef) -> None:
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        store.segments.remove(store.segments.get(ref.env, ref.segment))
        assert _claim(store, stored, 60_000) == "gone"
        assert store.jobs.active(PRODUCTION) == []

    def test_segment__deleted__takes_its_schedules_with_it(
        self, store: Store, ref: ListRef
    ) -> None:
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        store.export_schedules.keep(stored.value, KeptFiles(ExportRequest("x", ref, 1), 1))
        remove_segment(store, ref.env, ref.segment)
        assert store.export_schedules.read_all(PRODUCTION) == []
        assert not [key for key in keys_of(store) if "export-schedules" in key]

    def test_environment__deleted__takes_its_schedules_with_it(self, store: Store) -> None:
        env = EnvironmentRef("default", "other")
        create_environment(store, "default", store.environments.new("other", "Other"))
        ref = new_list_in(store, env)
        stored = store.export_schedules.create(new_schedule(ref, "a"), most=1)
        delete_environment(store, env)
        assert store.export_schedules.read_all(env) == []
        assert _claim(store, stored, 60_000) == "changed"
        with pytest.raises(SegmentNotFound):
            store.export_schedules.create(new_schedule(ref, "b"), most=1)

    def test_files__kept_and_dropped__are_read_newest_first(
        self, store: Store, ref: ListRef
    ) -> None:
        schedule = new_schedule(ref, "a")
        options = ExportOptions(destination="s3://lake/é")
        old = KeptFiles(ExportRequest("x1", ref, 1, options), 1)
        new = KeptFiles(ExportRequest("x2", ref, 2), 2)
        for files in (old, new, old):
            store.export_schedules.keep(schedule, files)
        assert store.export_schedules.kept(schedule) == [new, old]
        store.export_schedules.drop(schedule, new)
        assert store.export_schedules.kept(schedule) == [old]
