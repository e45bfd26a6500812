"""A target stops being a member at its time, whatever else the workers do."""

import time
from collections.abc import Callable
from typing import Any

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    SEGMENTS,
    BigSegment,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System

#: More than two pool processes of a slow system build in the time of these tests.
MANY = random_keys(24_000, 30)
FAR_MS = 86_400_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _schedule(system: System, segment: str, *keys: str, due_ms: int) -> None:
    instructions = [
        {
            "kind": "addExpiringTarget",
            "contextKind": "user",
            "contextKey": key,
            "targetType": "included",
            "value": due_ms,
        }
        for key in keys
    ]
    path = f"/api/v2/segments/default/{segment}/expiring-targets/production"
    reply = system.http.patch(path, json={"instructions": instructions})
    assert reply.status_code == 200, reply.text
    assert reply.json()["failedInstructions"] == 0, reply.text


def _expiring(system: System, segment: str) -> list[str]:
    path = f"/api/v2/segments/default/{segment}/expiring-targets/production"
    items: list[dict[str, Any]] = system.http.get(path).json()["items"]
    return sorted(item["contextKey"] for item in items)


def _standard(system: System, *included: str) -> str:
    key = f"standard-{_now_ms()}"
    assert system.http.post(SEGMENTS, json={"key": key, "name": key}).status_code == 201
    patch = [{"op": "add", "path": "/included", "value": included}]
    assert system.http.patch(f"{SEGMENTS}/{key}", json=patch).status_code == 200
    return key


def _included(system: System, segment: str) -> list[str]:
    found: list[str] = system.http.get(f"{SEGMENTS}/{segment}").json()["included"]
    return found


def _gone_at(is_member: Callable[[], bool]) -> int:
    """Wait until it is no member; when that was seen first, in Unix ms."""
    wait_until(lambda: not is_member(), "the target is gone")
    return _now_ms()


def _importing(system: System) -> tuple[BigSegment, str]:
    """A segment with a list that is being replaced by a large one."""
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(["soon", "later", "edited", "dropped", *MANY[:50]])))
    import_id = segment.upload(csv_of(["soon", "later", "edited", *MANY]), "replace")
    segment.wait_stage(import_id, "scatter", finished_units=1)
    return segment, import_id


def test_targets__due_while_every_slot_is_busy__are_gone_meanwhile(
    slow_system: System,
) -> None:
    system = slow_system
    standard, other = _standard(system, "soon", "later"), new_segment(system)
    other.edit(add=["soon", "later"])
    busy, import_id = _importing(system)
    due_ms = _now_ms() + 2_000
    for segment in (standard, other.ref.segment, busy.ref.segment):
        _schedule(system, segment, "soon", due_ms=due_ms)
        _schedule(system, segment, "later", due_ms=due_ms + FAR_MS)
    _schedule(system, busy.ref.segment, "edited", "dropped", due_ms=due_ms + FAR_MS)
    members: tuple[Callable[[], bool], ...] = (
        lambda: busy.includes("soon"),
        lambda: other.includes("soon"),
        lambda: "soon" in _included(system, standard),
    )
    late_ms = [_gone_at(is_member) - due_ms for is_member in members]
    assert min(late_ms) >= 0
    assert busy.state(import_id).ended_ms is None, "the slots were busy all the time"

    busy.edit(remove=["edited"])
    busy.edit(add=["edited"])
    report = busy.completed(import_id)
    assert report["editedWhileImporting"] == -1
    assert busy.counted() == len(MANY) + 2
    assert not busy.includes("soon")
    assert _expiring(system, busy.ref.segment) == ["later"]
    assert (_expiring(system, standard), _included(system, standard)) == (["later"], ["later"])
    assert (other.includes("later"), other.counted()) == (True, 1)
    busy.completed(busy.upload(csv_of(["soon", "dropped"])))
    assert _expiring(system, busy.ref.segment) == ["later"]


def test_targets__due_while_no_worker_runs__are_gone_when_one_starts(slow_system: System) -> None:
    system = slow_system
    standard, segment = _standard(system, "soon"), new_segment(system)
    segment.edit(add=["soon", "stays"])
    system.worker.kill()
    system.upkeep.kill()
    due_ms = _now_ms() + 2_000
    for key in (standard, segment.ref.segment):
        _schedule(system, key, "soon", due_ms=due_ms)
    system.server.stop()
    system.server.start()
    wait_until(lambda: _now_ms() > due_ms, "it is due")
    system.wait_ready()
    assert segment.includes("soon")
    assert _included(system, standard) == ["soon"]
    system.worker.start()
    _gone_at(lambda: segment.includes("soon"))
    _gone_at(lambda: "soon" in _included(system, standard))
    assert segment.includes("stays")
    assert _expiring(system, segment.ref.segment) == []
