"""The store is full: an import is refused or stopped, frees what it built, and others go on."""

from collections.abc import Iterator

import pytest

from tests.support.systems.driving import assert_nothing_left, csv_of, new_segment, random_keys
from tests.support.systems.system import System

OLD, NEW = random_keys(500, 8), random_keys(24_000, 9)


@pytest.fixture(params=["slow_system", "brokered_system"], ids=["one server", "own broker"])
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    """One whose broker is as full as its store, and one whose broker is not."""
    running: System = request.getfixturevalue(request.param)
    yield running
    _limit(running, 0)


def _limit(system: System, size_bytes: int) -> None:
    """Set the store's memory limit; 0 takes it away."""
    system.server.command_reply("CONFIG", "SET", "maxmemory", size_bytes)


def _used_bytes(system: System) -> int:
    with system.server.client() as client:
        return int(client.info("memory")["used_memory"])


def test_import__that_would_not_fit__is_refused_before_it_writes(system: System) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(OLD)))
    _limit(system, _used_bytes(system) + 600_000)
    reason = segment.stopped(segment.upload(csv_of(NEW), "replace"))
    assert "MiB left" in reason
    assert segment.members() == set(OLD)
    assert_nothing_left(system, segment)


def test_store__full_while_importing__import_stops_and_frees_what_it_built(
    system: System,
) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(OLD)))
    import_id = segment.upload(csv_of(NEW), "replace")
    segment.wait_stage(import_id, "gather", finished_units=1)
    _limit(system, 1_000_000)
    assert "out of memory" in segment.stopped(import_id)
    assert segment.edit(add=["x"]).status_code in {500, 503, 507}
    assert all(segment.includes(key) for key in OLD[:10])
    assert_nothing_left(system, segment)
    _limit(system, 0)
    again = new_segment(system)
    again.completed(again.upload(csv_of(NEW)))
    assert again.counted() == len(NEW)


@pytest.mark.parametrize("system", ["brokered_system"], indirect=True)
def test_store__full_while_no_worker_runs__workers_stop_the_import_later(system: System) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(OLD)))
    import_id = segment.upload(csv_of(NEW), "replace")
    segment.wait_stage(import_id, "gather", finished_units=1)
    system.worker.kill()
    _limit(system, 1_000_000)
    system.worker.start()
    assert "out of memory" in segment.stopped(import_id)
    assert_nothing_left(system, segment)
