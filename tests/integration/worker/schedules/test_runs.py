"""What follows a due time: an export that is written, its end on record, and files that go."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store.jobs import jobs_of
from tests.support.store.schedules import new_schedule, run_of
from tests.support.store.stores import PRODUCTION, raw
from tests.support.store.webhooks import an_attempt
from tests.support.systems.imports import Imports, imports_in_process
from worker.jobs.services import Services
from worker.options.exports import ExportOptions
from worker.schedules import run_schedules
from worker.schedules.settling import delete_outdated
from worker.store import ExportSchedule, ListRef, Retention, ScheduleRun
from worker.store.webhooks import Webhook
from worker.tasks.work import work_on
from worker.upkeep.tidy import expire_exports


@pytest.fixture(scope="module")
def _running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in) as imports:
        lake = f"s3://{imports.services.objects.bucket}/lake/"
        settings = imports.services.settings.model_copy(update={"s3_destinations": (lake,)})
        yield Imports(dataclasses.replace(imports.services, settings=settings))


@pytest.fixture
def running(_running: Imports) -> Iterator[Imports]:
    """Without a schedule, before and after."""
    yield _running
    _running.services.store.export_schedules.forget(PRODUCTION)


class World:
    """One schedule that is due each minute, and a clock."""

    def __init__(self, running: Imports, **fields: Any) -> None:
        self.imports = running
        self.ref: ListRef = running.list_of("ann", "bob")
        self.now_ms = running.services.clock_ms()
        self.services: Services = dataclasses.replace(
            running.services, clock_ms=lambda: self.now_ms
        )
        schedule = new_schedule(self.ref, now_ms=self.now_ms, **fields)
        self.services.store.export_schedules.create(schedule, most=1_000)

    @property
    def schedule(self) -> ExportSchedule:
        return self.services.store.export_schedules.get(self.ref, "nightly").value

    def run(self) -> None:
        """Come to the next due time, and do all that follows it."""
        self.now_ms = self.schedule.next_ms or 0
        assert run_schedules(self.services) == 1
        self.work()
        assert run_schedules(self.services) == 0

    def files(self, run: ScheduleRun) -> list[str]:
        """The objects of a run at its destination."""
        page, _ = self.services.objects.list_page("lake/", "")
        return [info.key for info in page if run.export_id in info.key]

    def work(self) -> None:
        for job in self.services.store.jobs.active(PRODUCTION):
            work_on(self.services, job)


def announced(world: World, webhook: Webhook) -> list[tuple[str, str | None]]:
    """Export and reason of each failure that a webhook is told of, which is deleted then."""
    store, told = world.services.store, []
    while (claimed := store.deliveries.claim(PRODUCTION, 60_000)) is not None:
        data = json.loads(claimed.delivery.body)["data"]
        assert (data["schedule"], data["status"]) == ("nightly", "stopped")
        told.append((data["exportId"], data["reason"]))
        store.deliveries.settle(claimed, an_attempt(claimed), pause_ms=1, again_ms=1)
    store.webhooks.delete(PRODUCTION, webhook.id)
    return told


def test_run__at_its_time__is_an_export_with_its_end_on_record(running: Imports) -> None:
    world = World(running)
    assert run_schedules(world.services) == 0, "it is not due yet"
    world.run()
    (run,) = world.schedule.runs
    assert (run.status, run.rows, run.cause) == ("complete", 2, "due")
    assert run.ended_ms is not None
    assert world.schedule.checked_ms == run.due_ms
    entries = [one.change for one in world.services.store.audit.newest([PRODUCTION])]
    mine = [one for one in entries if (one.after or {}).get("exportId") == run.export_id]
    assert [one.actions[0] for one in mine] == [
        "completeBigSegmentExport",
        "createBigSegmentExport",
    ]
    assert mine[1].actor == "schedule nightly"
    assert (mine[1].after or {})["dueAt"] == run.due_ms


def test_run__stopped__is_shown_with_its_reason_and_announced(running: Imports) -> None:
    world = World(running)
    webhook = world.services.store.webhooks.create(
        PRODUCTION, "https://example.com/hook", events=("schedule.failed",), created_by="t"
    )
    world.now_ms = world.schedule.next_ms or 0
    run_schedules(world.services)
    (job,) = jobs_of(world.services.store, world.ref.segment)
    world.services.store.jobs.end(
        job.request.ref, "stopped", reason="the bucket is gone", keep_s=60
    )
    world.work()
    run_schedules(world.services)
    (run,) = world.schedule.runs
    assert (run.status, run.reason) == ("stopped", "the bucket is gone")
    assert announced(world, webhook) == [(run.export_id, "the bucket is gone")]


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "changed"])
def test_change__after_it_was_read__old_form_never_runs(running: Imports, *, paused: bool) -> None:
    world = World(running)
    schedules = world.services.store.export_schedules
    stale = schedules.get(world.ref, "nightly")
    changed = dataclasses.replace(stale.value, version=2, paused=paused, cron="0 0 1 1 *")
    assert schedules.replace(stale, changed) is not None
    run = run_of(stale.value, stale.value.next_ms or 0)
    world.now_ms = run.due_ms
    with pytest.MonkeyPatch.context() as patch:
        # An upkeep that stood still since it has read the schedules.
        patch.setattr(
            type(schedules), "read_all", lambda _, env: [stale] if env == PRODUCTION else []
        )
        assert run_schedules(world.services) == 0
    assert jobs_of(world.services.store, world.ref.segment) == []
    assert world.schedule == changed


def test_segment__deleted_behind_its_back__schedule_goes_in_the_next_turn(
    running: Imports,
) -> None:
    world = World(running)
    store = world.services.store
    store.segments.remove(store.segments.get(world.ref.env, world.ref.segment))
    run_schedules(world.services)
    assert store.export_schedules.read_of(world.ref) == []


def test_files__beyond_the_last_n__are_deleted_and_no_others(running: Imports) -> None:
    options = ExportOptions(
        destination=f"{running.services.settings.destinations[0]}{{segment}}/{{date}}",
        part_rows=1_000,
    )
    world = World(running, options=options, keep=Retention(last=2))
    running.put("lake/other.csv", b"somebody else's\n")
    for _ in range(2):
        world.run()
    (second, first), ref = world.schedule.runs, world.ref
    date = datetime.fromtimestamp((second.due_ms or 0) // 1_000, UTC).strftime("%Y-%m-%d")
    assert world.files(second) == [
        f"lake/{ref.segment}/{date}/{ref.segment}-{second.export_id}{end}"
        for end in ("-00001.csv", "-manifest.json")
    ]
    store = world.services.store
    # The record of an export may go before its files do.
    store.client.unlink(store.keyspace.job(ref.env, "export", first.export_id))
    for _ in range(2):
        world.run()
    expire_exports(world.services)
    files = [world.files(run) for run in world.schedule.runs]
    assert [len(found) for found in files] == [2, 2, 0, 0]
    assert [one.key for one in running.services.objects.list_page("lake/other", "")[0]]
    assert len(store.export_schedules.kept(world.schedule)) == 2


def test_run__to_a_destination_no_longer_allowed__is_stopped_with_its_reason(
    running: Imports,
) -> None:
    world = World(running, options=ExportOptions(destination="s3://elsewhere/x"))
    webhook = world.services.store.webhooks.create(
        PRODUCTION, "https://example.com/hook", events=("schedule.failed",), created_by="t"
    )
    world.now_ms = world.schedule.next_ms or 0
    assert run_schedules(world.services) == 0
    (run,) = world.schedule.runs
    assert run.status == "stopped"
    assert "not below an allowed prefix" in (run.reason or "")
    assert (world.schedule.next_ms or 0) > world.now_ms
    assert jobs_of(world.services.store, world.ref.segment) == []
    assert announced(world, webhook) == [(run.export_id, run.reason)]


def test_files__in_bigsegs_own_bucket__go_as_those_of_any_export(running: Imports) -> None:
    world = World(running, keep=Retention(last=1))
    world.run()
    first = world.schedule.runs[0]
    world.run()
    assert expire_exports(world.services) >= 1, "with those that other tests have left"
    store = world.services.store
    (kept,) = store.export_schedules.kept(world.schedule)
    assert kept.request.export_id == world.schedule.runs[0].export_id
    assert first.export_id != world.schedule.runs[0].export_id


def test_files__older_than_the_days__are_deleted_without_a_new_run(running: Imports) -> None:
    world = World(running, keep=Retention(days=1))
    world.run()
    store, schedules = world.services.store, world.services.store.export_schedules
    (kept,) = schedules.kept(world.schedule)
    stored = schedules.get(world.ref, "nightly")
    assert delete_outdated(world.services, stored) == 0
    old = dataclasses.replace(kept, written_ms=kept.written_ms - 2 * 86_400_000)
    schedules.keep(world.schedule, old)
    assert delete_outdated(world.services, stored) == 0, "it was looked at a moment ago"
    store.client.unlink(*raw(store).keys(f"{store.keyspace.prefix}:turn:schedule:*"))
    assert delete_outdated(world.services, stored) == 1
    assert schedules.kept(world.schedule) == []
