"""A segment is deleted under a running import: it is stopped, and everything is freed."""

import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    SEGMENTS,
    assert_nothing_left,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System
from worker.store import JobRef

KEYS = random_keys(24_000, 5)


@pytest.mark.parametrize("stage", ["plan", "scatter", "gather"])
def test_delete__while_importing__stops_it_and_frees_everything(
    slow_system: System, stage: str
) -> None:
    segment = new_segment(slow_system)
    segment.completed(segment.upload(csv_of(KEYS[:3_000])))
    import_id = segment.upload(csv_of(KEYS), "replace")
    if stage != "plan":
        segment.wait_stage(import_id, stage, finished_units=1)
    segment.delete()
    assert slow_system.http.get(segment.path).status_code == 404
    assert slow_system.http.get(f"{segment.path}/contexts/{KEYS[0]}").status_code == 404
    assert segment.edit(add=["x"]).status_code == 404
    assert segment.stopped(import_id) == "segment deleted"


def test_delete_and_create_again__while_importing__new_list_is_its_own(slow_system: System) -> None:
    segment = new_segment(slow_system)
    import_id = segment.upload(csv_of(KEYS), "replace")
    segment.wait_stage(import_id, "gather")
    segment.delete()
    body = {"key": segment.ref.segment, "name": "again", "unbounded": True}
    reply = slow_system.http.post(SEGMENTS, json=body)
    assert reply.json()["generation"] == 2
    again = new_segment(slow_system)
    again.ref = slow_system.store.segments.get(segment.ref.env, segment.ref.segment).ref
    again.completed(again.upload(csv_of(KEYS[:50])))
    assert segment.stopped(import_id) == "segment deleted"
    assert again.counted() == 50
    assert again.members() == set(KEYS[:50])
    again.delete()


def test_delete__while_exporting__export_stops(slow_system: System) -> None:
    segment = new_segment(slow_system)
    segment.completed(segment.upload(csv_of(KEYS)))
    location = slow_system.http.post(f"{segment.path}/exports", json={}).headers["location"]
    segment.delete()

    def ended() -> bool:
        return slow_system.http.get(location).json()["status"] in {"complete", "stopped"}

    wait_until(ended, "the export has ended")


def test_delete__by_an_api_that_died_half_way__workers_find_out(slow_system: System) -> None:
    """The list is gone, and nobody has said so to the import."""
    segment = new_segment(slow_system)
    import_id = segment.upload(csv_of(KEYS))
    segment.wait_stage(import_id, "scatter", finished_units=1)
    slow_system.store.memberships.delete(segment.ref)
    wait_until(
        lambda: segment.state(import_id).ended_ms is not None, "the import has ended", LIMIT_S
    )
    assert segment.state(import_id).reason == "segment deleted"
    wait_until(
        lambda: slow_system.http.get(SEGMENTS).is_success, "its definition is gone, and lists work"
    )
    assert slow_system.http.get(segment.path).status_code == 404


def test_delete_environment__while_importing__stops_it_and_frees_everything(
    slow_system: System,
) -> None:
    segment = new_segment(slow_system)
    import_id = segment.upload(csv_of(KEYS), "replace")
    segment.wait_stage(import_id, "gather")
    path = "/api/v2/projects/default/environments/production"

    assert slow_system.http.delete(path).status_code == 204

    assert slow_system.http.get(segment.path).status_code == 404
    state = slow_system.store.jobs.get(JobRef("import", segment.ref.env, import_id))
    assert state.status == "stopped"
    assert_nothing_left(slow_system)
    body = {"key": "production", "name": "Anew", "color": "417505"}
    assert slow_system.http.post(path.rpartition("/")[0], json=body).status_code == 201
    again = new_segment(slow_system)
    again.completed(again.upload(csv_of(KEYS[:50])))
    assert again.members() == set(KEYS[:50])
    again.delete()
