"""Spills that a late try left are deleted; those of other imports stay."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.objects import ObjectServer, list_objects
from tests.support.servers.redis import Server
from tests.support.store.stores import token
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports.spill_store import SpillStore
from worker.objects import spill_key
from worker.store import ImportRequest
from worker.tasks.chores import sweep_late_spills


@pytest.fixture(scope="module", params=["bucket", "directory"])
def running(
    request: pytest.FixtureRequest,
    valkey_server: Server,
    s3_stand_in: ObjectServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Imports]:
    directory = {"bucket": None, "directory": tmp_path_factory.mktemp("spills")}[request.param]
    with imports_in_process(
        valkey_server, s3_stand_in, redis_url=valkey_server.url, spill_dir=directory
    ) as imports:
        yield imports


def _leave_spill(running: Imports, request: ImportRequest) -> None:
    """What a try leaves that is killed when it has written its spill."""
    services = running.services
    spills = SpillStore(services.objects, services.settings.spill_dir, request)
    with spills.write(0, token(), []) as sink:
        sink.write(b"late")


def _spills(running: Imports) -> set[str]:
    """What they belong to."""
    directory = running.services.settings.spill_dir or Path("/no-such")
    listed = {one.key.split("/")[-2] for one in list_objects(running.services.objects, "bigseg-")}
    return listed | {path.parent.name for path in directory.glob("*/*")}


def test_spill__of_a_late_try__is_deleted_once_its_import_has_ended(running: Imports) -> None:
    ended, at_work = running.list_of(), running.list_of()
    late = running.start(ended, b"a\n")
    assert running.finish(late).status == "complete"
    not_ended = running.start(at_work, b"a\n")
    for request in (late, not_ended):
        _leave_spill(running, request)
    if running.services.settings.spill_dir is None:
        of_others = spill_key(("p", "e", "s"), "of-another-system", chunk=0, attempt="a")
        running.put(of_others, b"x")
    assert late.import_id in _spills(running)

    assert sweep_late_spills(running.services) == 1

    assert late.import_id not in _spills(running)
    assert not_ended.import_id in _spills(running)
    assert sweep_late_spills(running.services) == 0
    others = running.services.settings.spill_dir is None
    assert ("of-another-system" in _spills(running)) == others
    assert running.finish(not_ended).status == "complete"
