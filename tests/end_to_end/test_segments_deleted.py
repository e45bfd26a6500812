"""A segment is deleted under a running import: it is stopped, and everything is freed."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.driving import assert_nothing_left, csv_of, new_segment, random_keys
from tests.object_servers import ObjectServer
from tests.servers import wait_until
from tests.systems import System, running_system
from worker.store import JobRef

KEYS = random_keys(40_000, 5)
SLOW = {
    "BIGSEG_PUT_RATE_BYTES_S": "200000",
    "BIGSEG_CHUNK_BYTES": str(64 * 1024),
    "BIGSEG_RANGE_BYTES": str(64 * 1024),
}


@pytest.fixture(scope="module", params=["bucket", "directory"])
def system(request: pytest.FixtureRequest, s3_server: ObjectServer) -> Iterator[System]:
    local = request.param == "directory"
    with running_system(s3_server, local_spills=local, settings=SLOW) as running:
        yield running


@pytest.mark.parametrize("stage", ["plan", "scatter", "gather"])
def test_delete__while_importing__stops_it_and_frees_everything(system: System, stage: str) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(KEYS[:3_000])))
    import_id = segment.upload(csv_of(KEYS), "replace")
    if stage != "plan":
        segment.wait_stage(import_id, stage, finished_units=1)
    segment.delete()
    assert system.http.get(segment.path).status_code == 404
    assert system.http.get(f"{segment.path}/contexts/{KEYS[0]}").status_code == 404
    assert segment.edit(add=["x"]).status_code == 404
    assert segment.stopped(import_id) == "segment deleted"
    assert_nothing_left(system)


def test_delete_and_create_again__while_importing__new_list_is_its_own(system: System) -> None:
    segment = new_segment(system)
    import_id = segment.upload(csv_of(KEYS), "replace")
    segment.wait_stage(import_id, "gather")
    segment.delete()
    body = {"key": segment.ref.segment, "name": "again", "unbounded": True}
    reply = system.http.post("/api/v2/segments/default/production", json=body)
    assert reply.json()["generation"] == 2
    again = new_segment(system)
    again.ref = system.store.segments.get(segment.ref.scope, segment.ref.segment).ref
    again.completed(again.upload(csv_of(KEYS[:50])))
    assert segment.stopped(import_id) == "segment deleted"
    assert again.counted() == 50
    assert again.members() == set(KEYS[:50])
    again.delete()


def test_delete__while_exporting__export_stops(system: System) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(KEYS)))
    location = system.http.post(f"{segment.path}/exports", json={}).headers["location"]
    segment.delete()

    def ended() -> bool:
        return system.http.get(location).json()["status"] in {"complete", "stopped"}

    wait_until(ended, "the export has ended")


def test_delete_environment__while_importing__stops_it_and_frees_everything(
    system: System,
) -> None:
    segment = new_segment(system)
    import_id = segment.upload(csv_of(KEYS), "replace")
    segment.wait_stage(import_id, "gather")
    path = "/api/v2/projects/default/environments/production"

    assert system.http.delete(path).status_code == 204

    assert system.http.get(segment.path).status_code == 404
    state = system.store.jobs.get(JobRef("import", segment.ref.scope, import_id))
    assert state.status == "stopped"
    assert_nothing_left(system)
    body = {"key": "production", "name": "Anew", "color": "417505"}
    assert system.http.post(path.rpartition("/")[0], json=body).status_code == 201
    again = new_segment(system)
    again.completed(again.upload(csv_of(KEYS[:50])))
    assert again.members() == set(KEYS[:50])
    again.delete()
