"""The store, and with it the broker, is away for a while; imports end exact all the same."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import BigSegment, csv_of, new_segment, random_keys
from tests.support.systems.system import System

#: A worker may end the last units of a stage before the store is down.
_FROM = {"scatter": ("scatter", "size", "gather"), "gather": ("gather", "publish")}
OLD, NEW = random_keys(500, 8), random_keys(24_000, 9)


@pytest.fixture
def segment(slow_system: System) -> Iterator[BigSegment]:
    """A list that an import replaces while the test does its worst."""
    segment = new_segment(slow_system)
    segment.completed(segment.upload(csv_of(OLD)))
    segment.upload(csv_of(NEW), "replace")
    yield segment
    assert segment.completed(segment.imports[-1])["removed"] == len(OLD)
    assert segment.counted() == len(NEW)
    assert segment.members() == set(NEW)


def _away(seconds: float) -> None:
    """How long an outage lasts is not a condition that could be waited for."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize(("stage", "seconds"), [("scatter", 3), ("gather", 8)])
def test_store__stopped_and_started_again__import_goes_on(
    segment: BigSegment, stage: str, seconds: float
) -> None:
    system = segment.system
    segment.wait_stage(segment.imports[-1], stage, finished_units=1)
    system.server.stop()
    path = f"{segment.path}/contexts/{OLD[0]}"
    assert system.http.get(path).status_code == 503
    # An answer may be a moment old.
    wait_until(lambda: system.http.get("/readyz").status_code == 503, "the API is not ready")
    _away(seconds)
    system.server.start()
    assert segment.state(segment.imports[-1]).stage in _FROM[stage]
    wait_until(lambda: system.http.get(path).is_success, "look-ups are answered again")
    assert system.http.get(path).json()["included"]


def test_store__back_without_its_last_writes__import_is_exact(segment: BigSegment) -> None:
    """As after a power cut: the workers know more than the store does."""
    system, import_id = segment.system, segment.imports[-1]
    segment.wait_stage(import_id, "gather", finished_units=2)
    system.server.kill()
    (log,) = (system.server.directory / "appendonlydir").glob("*.incr.aof")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 60_000)
    system.server.start()
    assert segment.counted() == len(OLD)
    assert segment.state(import_id).stage == "gather"


def test_store__back_while_workers_are_away__import_goes_on(segment: BigSegment) -> None:
    """A whole machine goes down and comes back."""
    system, import_id = segment.system, segment.imports[-1]
    segment.wait_stage(import_id, "gather", finished_units=1)
    for part in (system.worker, system.upkeep, system.beat, system.api):
        part.kill()
    system.server.kill()
    system.server.start()
    for part in (system.api, system.beat, system.upkeep, system.worker):
        part.start()
    system.wait_ready()
    segment.completed(import_id)
