"""Any process of the worker may be killed at any time; imports end exact all the same."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.systems.driving import (
    BigSegment,
    assert_nothing_left,
    csv_of,
    new_segment,
    put_list,
    random_keys,
)
from tests.support.systems.messages import send_work
from tests.support.systems.system import System

COUNT = 24_000
OLD, NEW = random_keys(500, 8), random_keys(COUNT, 9)
#: Some of which are rejected, in every chunk.
ROWS = [
    row
    for n, key in enumerate([*NEW, *NEW[:100]])
    for row in ([key] if n % 80 else [f"\x07{n}", key])
]
REJECTED = [[str(n), row] for n, row in enumerate(ROWS, 1) if row.startswith("\x07")]


@pytest.fixture
def segment(slow_system: System) -> Iterator[BigSegment]:
    """A list with some members; afterwards it holds the new list."""
    segment = new_segment(slow_system)
    segment.completed(segment.upload(csv_of(OLD)))
    yield segment
    report = segment.completed(segment.imports[-1])
    assert (report["rowsRead"], report["accepted"]) == (len(ROWS), COUNT)
    found = segment.rejected_rows(segment.imports[-1])
    numbered = [[str(int(row) + _rows_before(file)), cell] for file, row, _, _, cell in found]
    assert numbered == REJECTED
    assert_nothing_left(segment.system, segment)
    assert (report["removed"], report["membersAfter"]) == (len(OLD), COUNT)
    assert segment.counted() == COUNT
    assert segment.members() == set(NEW)


def _rows_before(file: str) -> int:
    """Rows of the objects before one of many."""
    return 500 * int(file[-2:]) if "killed/" in file else 0


def _start(segment: BigSegment) -> str:
    return segment.upload(csv_of(ROWS), "replace")


def _start_objects(segment: BigSegment) -> str:
    """The same as many objects, several in a unit and the last one in several units."""
    for number in range(40):
        part = ROWS[500 * number :] if number == 39 else ROWS[500 * number : 500 * number + 500]
        put_list(segment.system, csv_of(part), f"killed/{number:02d}")
    return segment.import_source("lists/killed/", "replace")


@pytest.mark.parametrize(("stage", "start"), [("scatter", _start_objects), ("gather", _start)])
def test_pool_child__killed__its_unit_is_done_by_another(
    segment: BigSegment, stage: str, start: Callable[[BigSegment], str]
) -> None:
    import_id = start(segment)
    segment.wait_stage(import_id, stage, finished_units=1)
    for pid in segment.system.worker.children():
        segment.system.worker.kill_child(pid)
    assert segment.state(import_id).stage == stage
    assert all(segment.includes(key) for key in OLD[:10]), "the live list is as it was"


def test_beat_and_upkeep__killed__workers_sweep_for_themselves(segment: BigSegment) -> None:
    system = segment.system
    system.beat.kill()
    import_id = _start(segment)
    segment.wait_stage(import_id, "gather", finished_units=1)
    system.upkeep.kill()
    for pid in system.worker.children():
        system.worker.kill_child(pid)
    segment.completed(import_id)
    system.upkeep.start()
    assert_nothing_left(system, segment)
    system.beat.start()


def test_message__delivered_twenty_times__work_is_done_once(segment: BigSegment) -> None:
    import_id = _start(segment)
    for stage in ("scatter", "gather"):
        segment.wait_stage(import_id, stage)
        send_work(segment.system, segment.state(import_id).request.ref, times=20)
    segment.completed(import_id)
    send_work(segment.system, segment.state(import_id).request.ref, times=20)
