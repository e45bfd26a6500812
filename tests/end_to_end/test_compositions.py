"""Segments composed of others by the real worker: exact after a kill, and undone like an import."""

from typing import Any

from tests.support.systems.driving import (
    BigSegment,
    assert_nothing_left,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System


def _filled(system: System, keys: list[str]) -> BigSegment:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(keys)))
    return segment


def _get(segment: BigSegment, import_id: str) -> Any:
    return segment.system.http.get(f"{segment.path}/imports/{import_id}").json()


def test_compose__worker_is_killed_and_sources_change__is_as_of_its_start(
    slow_system: System,
) -> None:
    keys = random_keys(30_000, 41)
    first, second = _filled(slow_system, keys[:20_000]), _filled(slow_system, keys[8_000:])
    target = _filled(slow_system, ["old-1", "old-2"])
    import_id = target.compose("intersect", first, second)
    target.wait_stage(import_id, "gather", finished_units=1)
    slow_system.worker.kill()
    first.edit(remove=keys[8_000:8_500], add=keys[20_000:20_500])
    second.edit(remove=keys[19_500:20_000])
    target.edit(add=["edited"])
    slow_system.worker.start()

    report = target.completed(import_id)

    assert target.members() == {*keys[8_000:20_000], "edited"}
    figures = {name: report[name] for name in ("rowsRead", "accepted", "duplicates", "leftOut")}
    assert figures == {
        "rowsRead": 42_000,
        "accepted": 12_000,
        "duplicates": 12_000,
        "leftOut": 18_000,
    }
    assert report["membersAfter"] == 12_001
    composed = _get(target, import_id)["composition"]
    assert composed["op"] == "intersect"
    assert [source["members"] for source in composed["segments"]] == [20_000, 22_000]
    assert_nothing_left(slow_system, first, second, target)


def test_compose__waits_for_approval__is_published_and_undone(keeping_system: System) -> None:
    source, target = (_filled(keeping_system, list(keys)) for keys in (("a", "b", "c"), ("c", "d")))
    tried = target.compose("union", source, mode="remove", dryRun=True)
    assert target.completed(tried)["removed"] == 1
    import_id = target.compose("union", source, target, mode="merge", waitOnApprovals=True)
    target.wait_for(import_id, lambda state: state.status == "pending_approval", "its wait")
    assert target.counted() == 2
    shown = _get(target, import_id)
    preview = keeping_system.http.get(shown["_links"]["preview"]["href"]).json()
    assert sorted(preview["added"]["keys"]) == ["a", "b"]
    assert target.approve(import_id).status_code == 200
    target.completed(import_id)
    assert target.members() == {"a", "b", "c", "d"}

    revisions = keeping_system.http.get(f"{target.path}/revisions").json()["items"]
    path = f"{target.path}/revisions/{revisions[1]['number']}/publish"
    assert keeping_system.http.post(path, json={}).is_success
    assert target.members() == {"c", "d"}
