"""Imports that a guard has wait, and dry runs, through the real worker: seen before they count."""

from typing import Any, Final

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    BigSegment,
    assert_nothing_left,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System

OLD: Final = random_keys(6_000, 31)
NEW: Final = random_keys(24_000, 32)


def _filled(system: System) -> BigSegment:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(OLD)))
    return segment


def _get(segment: BigSegment, path: str, status: int = 200) -> Any:
    reply = segment.system.http.get(f"{segment.path}/imports/{path}")
    assert reply.status_code == status, reply.text
    return reply.json()


def test_guarded__seen_and_approved_after_a_kill__publishes_what_was_shown(system: System) -> None:
    segment, kept = _filled(system), OLD[:3_000]
    content = csv_of([*kept, "new"])
    assert "preview" not in _get(segment, segment.imports[0])["_links"]
    import_id = segment.upload(content, "replace", maxShrinkShare="0.2")
    wait_until(
        lambda: _get(segment, import_id)["status"] == "pending_approval", "its wait", LIMIT_S
    )

    shown = _get(segment, import_id)
    assert (shown["guard"]["name"], shown["dryRun"]) == ("shrink", False)
    assert shown["reason"] == shown["guard"]["message"]
    preview = segment.system.http.get(shown["_links"]["preview"]["href"]).json()
    counts = {kind: preview[kind]["count"] for kind in ("added", "removed", "unchanged")}
    assert counts == {"added": 1, "removed": 3_000, "unchanged": 3_000}
    assert preview["added"]["keys"] == ["new"]
    assert len({*preview["removed"]["keys"]} - {*kept} & {*OLD}) == 20
    assert len({*preview["unchanged"]["keys"]} & {*kept}) == 20
    assert segment.counted() == len(OLD)
    spec = f"proj/*:env/*:segment/{segment.ref.segment}"
    held = system.http.get("/api/v2/auditlog", params={"spec": spec, "limit": 1}).json()["items"]
    entry = system.http.get(f"/api/v2/auditlog/{held[0]['_id']}").json()
    assert entry["currentVersion"]["guard"] == "shrink"

    system.worker.kill()
    segment.edit(add=["edited"])
    assert segment.approve(import_id).status_code == 200
    system.worker.start()
    report = segment.completed(import_id)
    assert report["membersAfter"] == segment.counted() == 3_002
    assert segment.members() == {*kept, "new", "edited"}
    shown = _get(segment, import_id)
    assert (shown["guard"]["name"], shown["reason"]) == ("shrink", None)
    _get(segment, f"{import_id}/preview", 404)
    assert_nothing_left(system, segment)


def test_guarded__another_import__takes_its_place_and_all_is_freed(system: System) -> None:
    segment = _filled(system)
    waiting = segment.upload(b"a\nb\n", "replace", maxShrinkShare="0.5")
    wait_until(lambda: segment.state(waiting).status == "pending_approval", "its wait", LIMIT_S)
    tried = segment.try_upload(b"a\n", dryRun="true")
    assert tried.status_code == 409, "a dry run takes nobody's place"
    assert waiting in tried.json()["message"]
    stopped = segment.upload(b"a\nb\n", "replace", maxShrinkShare="0.5", onGuard="stop")
    assert segment.stopped(waiting) == f"superseded by import {stopped}"
    assert "5,998 of 6,000 members" in segment.stopped(stopped)
    assert _get(segment, stopped)["guard"]["name"] == "shrink"
    assert segment.counted() == len(OLD)
    assert_nothing_left(system, segment)


def test_dry_run__worker_killed_and_list_edited__reports_and_changes_nothing(
    slow_system: System,
) -> None:
    segment = _filled(slow_system)
    import_id = segment.upload(csv_of([*NEW, *OLD[:10]]), "replace", dryRun="true")
    segment.wait_stage(import_id, "gather")
    slow_system.worker.kill()
    assert segment.system.http.get(segment.path).json()["_importInProgress"] is True
    segment.edit(add=["edited"], remove=[OLD[0]])
    refused = segment.approve(import_id)
    code, text = refused.status_code, refused.text
    assert (code, "it is a dry run" in text) == (400, True)
    slow_system.worker.start()

    shown = segment.ended(import_id)
    assert (shown["status"], shown["dryRun"]) == ("complete", True)
    report = shown["report"]
    assert report["accepted"] == len(NEW) + 10
    assert report["membersAfter"] == len(NEW) + 10
    preview = _get(segment, f"{import_id}/preview")
    assert len({*preview["added"]["keys"]} & {*NEW}) == 20
    assert len({*preview["removed"]["keys"]} & {*OLD[10:], "edited"}) == 20
    assert segment.approve(import_id).status_code == 400
    wait_until(
        lambda: not segment.system.http.get(segment.path).json()["_importInProgress"],
        "the claim is released",
        LIMIT_S,
    )
    assert segment.members() == {*OLD[1:], "edited"}
    assert_nothing_left(slow_system, segment)


def test_dry_run__while_it_builds__gives_way_to_an_import(slow_system: System) -> None:
    segment = _filled(slow_system)
    tried = segment.upload(csv_of(NEW), "replace", dryRun="true")
    segment.wait_stage(tried, "gather")
    import_id = segment.upload(b"a\n")
    assert segment.stopped(tried) == f"superseded by import {import_id}"
    segment.completed(import_id)
    assert segment.members() == {*OLD, "a"}
    assert_nothing_left(slow_system, segment)
