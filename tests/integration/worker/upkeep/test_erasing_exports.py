"""An erased key is in no file of an export, wherever that is, and in no composition."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.support.proxies.hostile import Fault, Request, running_hostile_proxy
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store.schedules import new_schedule
from tests.support.store.stores import PRODUCTION, clock_ms, raw, token
from tests.support.systems.erasures import erase, places_of, run_export, start_erasure, take_turn
from tests.support.systems.imports import Imports, imports_in_process
from worker.exports.run import ExportWork
from worker.jobs.export_place import ExportPlace
from worker.objects import ObjectSettings, ObjectStore
from worker.options.exports import ExportOptions
from worker.store import Edit, ExportRequest, JobRef, admit_export
from worker.store.jobs import Composition
from worker.store.keyspace import INCLUDED
from worker.store.schedules import KeptFiles
from worker.store.workflows import pin_sources
from worker.upkeep.tidy import expire_exports


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_server: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_server, redis_url=valkey_server.url) as imports:
        yield imports


def _options(running: Imports, *, parts: bool = False) -> ExportOptions:
    """At a destination of its own."""
    destination = f"s3://{running.services.objects.bucket}/lake/{token()}"
    return ExportOptions(part_rows=1_000 if parts else None, destination=destination)


def test_erasure__exports_at_destinations__are_deleted_with_their_parts_and_manifests(
    running: Imports,
) -> None:
    store, ref = running.services.store, running.list_of("k-lake", *map(str, range(1_500)))
    other = running.list_of("other")
    exports = {
        run_export(running, ref, _options(running)),
        run_export(running, ref, _options(running, parts=True)),
        run_export(running, ref, ExportOptions(part_rows=1_000, compression="gzip")),
    }
    kept = run_export(running, other, _options(running))
    assert len(places_of(running, "k-lake")) >= 3
    receipt = erase(running, "k-lake")
    assert exports | {kept} == {*receipt.touched.exports}
    assert receipt.touched.undeleted_exports == ()
    assert places_of(running, "k-lake") == []
    found = [info.key for info in running.services.objects.list_page("lake/", "")[0]]
    assert found == []
    for export_id in exports:
        state = store.jobs.get(JobRef("export", PRODUCTION, export_id))
        assert (state.status, state.files_deleted_ms is not None) == ("complete", True)
    assert erase(running, "k-lake").touched.exports == (), "they are counted once"


def test_erasure__files_that_a_schedule_keeps__are_deleted_without_a_record_of_their_export(
    running: Imports,
) -> None:
    store, ref = running.services.store, running.list_of("k-kept")
    schedule = new_schedule(ref, now_ms=clock_ms())
    store.export_schedules.create(schedule, most=1_000)
    export_id = run_export(running, ref, _options(running))
    job = JobRef("export", PRODUCTION, export_id)
    request = store.jobs.request(job)
    assert isinstance(request, ExportRequest)
    store.export_schedules.keep(schedule, KeptFiles(request, clock_ms()))
    raw(store).unlink(store.keyspace.job(PRODUCTION, "export", export_id))
    assert len(places_of(running, "k-kept")) >= 1
    assert erase(running, "k-kept").touched.exports == (export_id,)
    assert places_of(running, "k-kept") == []
    assert store.export_schedules.kept(schedule) == []
    store.export_schedules.forget(PRODUCTION)


@contextmanager
def _writing_only(running: Imports, s3: ObjectServer) -> Iterator[Imports]:
    """The same, of credentials that may not delete at destinations."""

    def refuse(request: Request) -> Fault | None:
        is_deletion = request.line.startswith("DELETE ") or "?delete" in request.line
        is_there = "/lake/" in request.line or b"<Key>lake/" in request.body
        return Fault(status=403, code="AccessDenied") if is_deletion and is_there else None

    services = running.services
    with running_hostile_proxy(s3.port) as proxy:
        proxy.rule = refuse
        names = {"s3_endpoint": proxy.endpoint, "s3_bucket": services.objects.bucket}
        with ObjectStore.open(ObjectSettings.model_validate(names)) as objects:
            yield Imports(replace(services, objects=objects))


def test_erasure__destination_where_nothing_may_be_deleted__is_named_in_the_receipt(
    running: Imports, s3_server: ObjectServer
) -> None:
    export_id = run_export(running, running.list_of("k-left"), _options(running))
    with _writing_only(running, s3_server) as limited:
        touched = erase(limited, "k-left").touched
    assert (touched.exports, touched.undeleted_exports) == ((), (export_id,))
    assert erase(running, "k-left").touched.exports == (export_id,), "they may be deleted now"


def test_erasure__export_that_was_stopped_and_left_a_part_behind__is_named_in_the_receipt(
    running: Imports, s3_server: ObjectServer
) -> None:
    services = running.services
    request = ExportRequest(token(), running.list_of("k-part"), clock_ms(), _options(running))
    admit_export(services.store, request)
    place = ExportPlace.of(services.objects.bucket, request)
    running.put(place.key(request, "", "-00001.csv"), b"k-part\n")
    with _writing_only(running, s3_server) as limited:
        ExportWork(limited.services, request).stop("the server is full")
        services.store.export_files.expire(request.ref, 0)
        expire_exports(limited.services)
        touched = erase(limited, "k-part").touched
    assert (touched.exports, touched.undeleted_exports) == ((), (request.export_id,))
    assert erase(running, "k-part").touched.exports == (request.export_id,)
    assert places_of(running, "k-part") == []


def test_erasure__composition_would_put_the_key_back__stops(running: Imports) -> None:
    store, source = running.services.store, running.list_of("k-composed", "l")
    ref, import_id = running.list_of(), token()
    pinned = pin_sources(store, import_id, [source], INCLUDED)
    composition = Composition("union", pinned)
    request = running.start_from(ref, (), "replace", import_id=import_id, composition=composition)
    store.memberships.edit(source, [Edit("i-", "k-composed")])
    erasure_id = start_erasure(running, "k-composed")
    assert take_turn(running, erasure_id).waiting == (str(request.ref),)
    state = running.finish(request)
    assert (state.status, source.segment in (state.reason or "")) == ("stopped", True)
    assert take_turn(running, erasure_id).state == "complete"
    assert places_of(running, "k-composed") == []


def test_erasure__composition_of_lists_that_nobody_has_edited__goes_on_without_the_key(
    running: Imports,
) -> None:
    store, source = running.services.store, running.list_of("k-pinned", "l")
    ref, import_id = running.list_of(), token()
    pinned = pin_sources(store, import_id, [source], INCLUDED)
    composition = Composition("union", pinned)
    request = running.start_from(ref, (), "replace", import_id=import_id, composition=composition)
    erasure_id = start_erasure(running, "k-pinned")
    take_turn(running, erasure_id)
    assert running.finish(request).status == "complete"
    assert running.members(ref) == {"l"}
    assert take_turn(running, erasure_id).state == "complete"
    assert places_of(running, "k-pinned") == []
