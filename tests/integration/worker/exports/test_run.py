"""Exports as workers do them: every form comes back by an import, and nothing half is left."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store.stores import clock_ms, raw, token
from tests.support.systems.imports import Imports, imports_in_process
from worker.exports.parts import PartWriter
from worker.exports.run import ExportWork
from worker.jobs.export_place import ExportPlace
from worker.options.exports import ExportOptions
from worker.options.lists import ListOptions
from worker.store import (
    ExportRequest,
    JobState,
    ListRef,
    SourceFile,
    admit_export,
    cancel_export,
)
from worker.tasks.work import work_on
from worker.upkeep.tidy import expire_exports

#: More than three of the smallest parts.
KEYS: Final = (*(f"key-{n:05d}" for n in range(3_000)), "=1+1", "@x", 'q"uo,te', "'a", "é")


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in) as imports:
        yield imports


@pytest.fixture(scope="module")
def full(running: Imports) -> ListRef:
    """A list of many keys, some awkward."""
    return running.list_of(*(f'"{key.replace(chr(34), chr(34) * 2)}"' for key in KEYS))


def start(running: Imports, ref: ListRef, options: ExportOptions) -> ExportRequest:
    request = ExportRequest(token(), ref, clock_ms(), options)
    admit_export(running.services.store, request)
    return request


def run(running: Imports, ref: ListRef, options: ExportOptions) -> JobState:
    request = start(running, ref, options)
    work_on(running.services, request.ref)
    return running.services.store.jobs.get(request.ref)


def folder(running: Imports) -> str:
    """A destination of its own."""
    return f"s3://{running.services.objects.bucket}/lists/{token()}"


def objects_of(running: Imports, request: ExportRequest) -> list[str]:
    """The keys of all objects of an export."""
    place = ExportPlace.of(running.services.objects.bucket, request)
    infos, _ = running.services.objects.list_page(place.prefix)
    return [info.key for info in infos]


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(part_rows=1_000),
        ExportOptions(part_rows=1_000, profile="spreadsheet", header=True, compression="gzip"),
        ExportOptions(part_rows=1_000, format="jsonl", compression="zstd"),
        ExportOptions(part_rows=1_000, format="parquet"),
        ExportOptions(part_rows=1_000_000),
    ],
    ids=lambda options: f"{options.ending}-{options.profile}-{options.part_rows}",
)
def test_export__parts_at_a_destination__an_import_of_the_manifest_has_the_same_keys(
    running: Imports, full: ListRef, options: ExportOptions
) -> None:
    options = dataclasses.replace(options, destination=folder(running))
    report = run(running, full, options).report
    assert report is not None
    manifest = json.loads(_read(running, report["manifest"]["key"]))
    counts = [entry["meta"]["record_count"] for entry in manifest["entries"]]
    assert report["files"] == len(counts)
    assert sum(counts) == len(KEYS) == report["rows"]
    assert counts == ([1_000] * 3 + [5] if options.part_rows == 1_000 else [len(KEYS)])
    assert manifest["export"]["revision"] == report["revision"]

    again = running.list_of()
    source = SourceFile(
        running.services.objects.bucket,
        report["manifest"]["key"],
        "m",
        uploaded=False,
        kind="manifest",
    )
    reading = ListOptions(header=options.header or None, profile=options.profile)
    request = running.start_from(again, [source], reading=reading)
    state = running.finish(request)

    assert state.status == "complete", state.reason
    assert running.members(again) == set(KEYS)


def _read(running: Imports, key: str) -> bytes:
    objects = running.services.objects
    content = objects.read_small(key, bucket=objects.bucket, limit=10_000_000)
    assert content is not None
    return content


def test_export__empty_list_in_parts__one_file_that_is_whole(running: Imports) -> None:
    report = run(
        running, running.list_of(), ExportOptions(format="parquet", part_rows=1_000)
    ).report
    assert report is not None
    assert (report["files"], report["rows"]) == (1, 0)


@pytest.mark.parametrize("to", ["own", "destination"])
def test_export__worker_killed_in_the_middle__the_next_try_leaves_its_files_alone(
    running: Imports, full: ListRef, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = folder(running) if to == "destination" else None
    request = start(running, full, ExportOptions(part_rows=1_000, destination=destination))

    def die(*_: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(ExportWork, "_report", die)
    with pytest.raises(KeyboardInterrupt):
        work_on(running.services, request.ref)
    monkeypatch.undo()
    left = objects_of(running, request)
    assert len(left) == 4
    _expire_lease(running, request)

    work_on(running.services, request.ref)

    state = running.services.store.jobs.get(request.ref)
    assert state.status == "complete"
    assert state.report is not None
    assert len(objects_of(running, request)) == state.report["files"] + 1 == 5
    if to == "own":
        assert not set(left) & set(objects_of(running, request))


def _expire_lease(running: Imports, request: ExportRequest) -> None:
    """As if a killed worker's lease had run out."""
    store = running.services.store
    key = store.keyspace.job(request.ref.env, "export", request.export_id)
    lease = store.client.hget(key, "lease:write:0")
    assert lease is not None
    name, _, tries = lease.decode().split()
    store.client.hset(key, "lease:write:0", f"{name} 0 {tries}")


def test_export__cancelled_while_it_runs__stops_and_leaves_nothing(
    running: Imports, full: ListRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = start(running, full, ExportOptions(part_rows=1_000, destination=folder(running)))
    write_side = ExportWork._write_side

    def cancel_first(self: ExportWork, *args: Any) -> None:
        assert cancel_export(running.services.store, request, "ada")
        write_side(self, *args)

    monkeypatch.setattr(ExportWork, "_write_side", cancel_first)
    work_on(running.services, request.ref)
    monkeypatch.undo()
    work_on(running.services, request.ref)  # what the API asks for

    state = running.services.store.jobs.get(request.ref)
    assert (state.status, state.reason) == ("stopped", "cancelled by ada")
    assert objects_of(running, request) == []
    assert not cancel_export(running.services.store, request, "bob")
    assert not running.services.store.jobs.is_active(request.ref)


@pytest.mark.parametrize("to", ["own", "destination"])
def test_export__complete_and_deleted__its_files_are_freed_and_it_stays_on_record(
    running: Imports, full: ListRef, to: str
) -> None:
    destination = folder(running) if to == "destination" else None
    request = start(running, full, ExportOptions(destination=destination))
    work_on(running.services, request.ref)
    expire_exports(running.services)
    assert len(objects_of(running, request)) == 1

    assert cancel_export(running.services.store, request, "ada")
    assert not cancel_export(running.services.store, request, "bob")
    expire_exports(running.services)

    state = running.services.store.jobs.get(request.ref)
    assert objects_of(running, request) == []
    assert (state.status, state.discarded_by) == ("complete", "ada")
    assert state.files_deleted_ms is not None


def test_export__records_are_kept_for_less_long_than_files__says_where_its_files_are_until_then(
    valkey_server: Server, s3_stand_in: ObjectServer
) -> None:
    with imports_in_process(
        valkey_server, s3_stand_in, job_retention_s=60, export_retention_s=600
    ) as running:
        request = start(running, running.list_of("a"), ExportOptions())
        work_on(running.services, request.ref)
        store = running.services.store
        key = store.keyspace.job(request.ref.env, "export", request.export_id)
        assert raw(store).ttl(key) > 600


def test_export__lease_lost_before_the_manifest__does_not_replace_that_of_a_later_try(
    running: Imports, full: ListRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = start(running, full, ExportOptions(part_rows=1_000, destination=folder(running)))
    leave = PartWriter.__exit__

    def lose_the_lease(self: PartWriter, *error: Any) -> None:
        leave(self, *error)
        _expire_lease(running, request)
        monkeypatch.undo()
        work_on(running.services, request.ref)  # the later try

    monkeypatch.setattr(PartWriter, "__exit__", lose_the_lease)
    work_on(running.services, request.ref)

    report = running.services.store.jobs.get(request.ref).report
    assert report is not None
    written = running.services.objects.head(
        report["manifest"]["key"], bucket=report["manifest"]["bucket"]
    )
    assert written.etag == report["manifest"]["etag"]


def test_export__more_parts_than_an_import_takes__stopped_with_what_to_do(
    valkey_server: Server, s3_stand_in: ObjectServer
) -> None:
    with imports_in_process(valkey_server, s3_stand_in, import_objects=2) as running:
        ref = running.list_of(*KEYS[:2_500])
        request = start(running, ref, ExportOptions(part_rows=1_000))
        work_on(running.services, request.ref)
        state = running.services.store.jobs.get(request.ref)
        left = objects_of(running, request)

    assert state.reason is not None
    assert "more than 2 parts of 1,000 rows; export with larger ones" in state.reason
    assert left == []
