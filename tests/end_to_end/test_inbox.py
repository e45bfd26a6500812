"""Objects that are put into the inbox of a whole system, with two beats and with events."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.local.commands import beat_command, worker_command
from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, BigSegment, csv_of, new_segment, random_keys
from tests.support.systems.parts import Part
from tests.support.systems.system import System
from worker.store.jobs.messages import QUEUE_UPKEEP

KEYS = random_keys(6_000, 21)
EVENTS = "/api/v2/inbox/events"


@pytest.fixture
def doubled(system: System) -> Iterator[System]:
    """The system with a second beat and a second worker for upkeep."""
    schedule = Path(tempfile.mkdtemp(dir=system.directory)) / "beat-schedule"
    commands = {
        "beat 2": beat_command(schedule),
        "upkeep 2": worker_command((QUEUE_UPKEEP,), 1, "upkeep-2"),
    }
    parts = []
    for name, command in commands.items():
        like = system.parts[name.split()[0]]
        log = system.directory / f"{name}.log"
        part = Part(name, command, like.environment, log, like.guardian)
        part.start()
        parts.append(part)
    try:
        yield system
    finally:
        for part in parts:
            part.kill()


def _put(segment: BigSegment, rest: str, content: bytes) -> str:
    key = f"inbox/default/production/{segment.ref.segment}/{rest}"
    segment.system.objects.put(segment.system.bucket, key, content, "text/csv")
    return key


def _below(system: System, prefix: str) -> list[str]:
    return [info.key for info in list_objects(system.objects, prefix)]


def _empty(system: System) -> bool:
    return not list_objects(system.objects, "inbox/")


def _imports(segment: BigSegment) -> list[dict[str, Any]]:
    """Oldest first."""
    reply = segment.system.http.get(f"{segment.path}/imports")
    assert reply.status_code == 200, reply.text
    return list(reversed(reply.json()["items"]))


def _tidy(system: System) -> None:
    for prefix in ("inbox/", "inbox-done/", "inbox-failed/"):
        system.objects.delete_prefix(prefix)


def test_objects__put_while_everything_dies__are_each_imported_once_and_in_order(
    doubled: System,
) -> None:
    segment = new_segment(doubled)
    first = _put(segment, "replace/a.csv", csv_of(KEYS))
    event = {"s3": {"bucket": {"name": doubled.bucket}, "object": {"key": first}}}
    event["eventName"] = "ObjectCreated:Put"  # type: ignore[assignment]  # JSON
    for _ in range(3):
        reply = doubled.http.post(EVENTS, json={"Records": [event]})
        assert reply.json() == {"accepted": 1, "ignored": 0}
    wait_until(lambda: bool(_imports(segment)), "it is seen", LIMIT_S)
    for part in (doubled.worker, doubled.upkeep):
        for pid in part.children():
            part.kill_child(pid)
    keys = [first, *(_put(segment, f"merge/{n}.csv", f"new-{n}\n".encode()) for n in range(3))]
    doubled.beat.kill()

    wait_until(lambda: _empty(doubled), "all are moved", LIMIT_S)

    found = _imports(segment)
    assert [one["status"] for one in found] == ["complete"] * 4, found
    assert [one["inbox"] for one in found] == [f"s3://{doubled.bucket}/{key}" for key in keys]
    assert {one["initiator"]["name"] for one in found} == {"inbox"}
    assert segment.members() == {*KEYS, "new-0", "new-1", "new-2"}
    done = _below(doubled, f"inbox-done/default/production/{segment.ref.segment}/")
    assert sorted(one["id"] for one in found) == sorted(key.split("Z-")[1][:36] for key in done)
    _tidy(doubled)


def test_object__held_by_a_guard__waits_with_later_ones_until_it_is_approved_or_cancelled(
    system: System,
) -> None:
    segment, doubtful = new_segment(system), b"ok\n\xff\n\xff\n"
    folder = f"default/production/{segment.ref.segment}/"

    def hold(rest: str) -> str:
        """Put an object of which most rows are rejected, and wait for its import to wait."""
        _put(segment, rest, doubtful)

        def waiting() -> list[str]:
            found = [each for each in _imports(segment) if each["status"] == "pending_approval"]
            return [each["id"] for each in found if each["guard"]["name"] == "rejected_rows"]

        wait_until(lambda: bool(waiting()), "it waits for an approval", LIMIT_S)
        return waiting()[0]

    first = hold("replace/a.csv")
    _put(segment, "merge/b.csv", b"later\n")
    assert segment.members() == set()
    assert len(_below(system, f"inbox/{folder}")) == 2
    assert segment.approve(first).status_code == 200
    wait_until(lambda: _empty(system), "both are moved", LIMIT_S)
    assert segment.members() == {"ok", "later"}
    assert len(_below(system, f"inbox-done/{folder}")) == 2

    second = hold("replace/c.csv")
    assert system.http.delete(f"{segment.path}/imports/{second}").status_code == 200
    wait_until(lambda: _empty(system), "it is moved", LIMIT_S)
    assert segment.members() == {"ok", "later"}
    failed = _below(system, f"inbox-failed/{folder}")
    assert failed == [failed[0], f"{failed[0]}.error.json"]
    _tidy(system)


def test_object__for_no_segment__is_moved_with_its_reason_and_counted(system: System) -> None:
    key = "inbox/default/production/nobody/merge/a.csv"
    system.objects.put(system.bucket, key, b"a\n", "text/csv")
    wait_until(lambda: _empty(system), "it is moved", LIMIT_S)

    failed = _below(system, "inbox-failed/default/production/nobody/")
    assert len(failed) == 2
    assert failed[1] == f"{failed[0]}.error.json"
    assert "inbox.refused" in system.upkeep.log

    def counted() -> bool:
        metrics = system.http.get("/metrics").text
        return 'bigseg_inbox_objects_total{outcome="failed"} 0.0' not in metrics

    wait_until(counted, "it is counted", LIMIT_S)
    _tidy(system)
