"""A unit for which there is no memory ends its job and its process, and nothing else."""

from collections.abc import Iterator

import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import BigSegment, csv_of, new_segment, random_keys
from tests.support.systems.system import System

KEYS = random_keys(12_000, 5)


@pytest.fixture
def heavy(brokered_system: System) -> Iterator[BigSegment]:
    """A segment for whose imports and exports the workers have no memory."""
    worker = brokered_system.worker
    segment = new_segment(brokered_system)
    command, environment = worker.command, worker.environment
    worker.kill()
    worker.command = tuple(
        "tests.support.systems.memory_errors" if word == "worker.tasks.main" else word
        for word in command
    )
    worker.environment = {**environment, "HEAVY_SEGMENT": segment.ref.segment}
    worker.start()
    yield segment
    worker.kill()
    worker.command, worker.environment = command, environment


def test_unit__without_memory__job_stops_with_the_reason_and_others_go_on(
    heavy: BigSegment,
) -> None:
    system = heavy.system
    other = new_segment(system)
    beside = other.upload(csv_of(KEYS))
    other.wait_stage(beside, "gather")
    leader, children = system.worker.pid, set(system.worker.children())

    reason = heavy.stopped(heavy.upload(csv_of(KEYS)))

    assert "a worker process ran out of memory at scatter" in reason
    assert "BIGSEG_CHUNK_BYTES" in reason
    assert other.completed(beside)["membersAfter"] == len(KEYS)

    reply = system.http.post(f"{heavy.path}/exports", json={"format": "csv"})
    location = reply.headers["location"]
    wait_until(lambda: system.http.get(location).json()["status"] == "stopped", "it is stopped")
    assert "ran out of memory at write" in system.http.get(location).text

    assert other.exported().count(b"\n") >= len(KEYS)
    wait_until(lambda: len(system.worker.children()) == 2, "the pool is whole")
    assert system.worker.pid == leader
    assert set(system.worker.children()) != children
    assert "process.replaced" in system.worker.log
    assert not any(key in system.worker.log for key in KEYS[:100])
