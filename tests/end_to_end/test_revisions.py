"""Going back to an earlier state of a list: with workers, kills, and a server that fills up."""

import time
from typing import Final

import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import BigSegment, csv_of, new_segment, random_keys
from tests.support.systems.system import System

OLD: Final = random_keys(3_000, 21)
NEW: Final = random_keys(4_000, 22)
#: For so long readers may still ask a replaced revision, and some more.
_READERS_S: Final = 1.0
#: Members of a list that takes a good part of the memory of a server which has little else.
_MANY: Final = 40_000
LAST: Final = random_keys(2_000, 23)


@pytest.fixture
def segment(keeping_system: System) -> BigSegment:
    """A list that was imported twice: revision 1 is kept, 2 is live."""
    segment = new_segment(keeping_system)
    segment.completed(segment.upload(csv_of(OLD)))
    segment.completed(segment.upload(csv_of(NEW), "replace"))
    return segment


def _numbers(segment: BigSegment) -> list[int]:
    reply = segment.system.http.get(f"{segment.path}/revisions")
    assert reply.status_code == 200, reply.text
    return [each["number"] for each in reply.json()["items"]]


def _publish(segment: BigSegment, number: int) -> None:
    reply = segment.system.http.post(f"{segment.path}/revisions/{number}/publish")
    assert reply.status_code == 200, reply.text


def _wait_tidy(segment: BigSegment, *numbers: int) -> None:
    wait_until(lambda: _numbers(segment) == list(numbers), f"only {numbers} are left", 60)


def test_roll_back__between_imports__lists_are_exact_and_the_oldest_goes(
    segment: BigSegment,
) -> None:
    assert _numbers(segment) == [2, 1, 0]
    _publish(segment, 1)
    assert (segment.members(), segment.counted()) == (set(OLD), len(OLD))
    assert segment.includes(OLD[0])
    assert not segment.includes(NEW[0])
    report = segment.completed(segment.upload(csv_of(LAST)))
    assert (report["membersBefore"], report["added"]) == (len(OLD), len(LAST))
    assert segment.members() == {*OLD, *LAST}
    _wait_tidy(segment, 3, 1, 2)
    _publish(segment, 2)
    assert segment.members() == set(NEW)
    segment.delete()


def test_roll_back__workers_killed_while_a_list_is_built__is_whole(segment: BigSegment) -> None:
    system = segment.system
    system.worker.kill()
    import_id = segment.upload(csv_of(LAST), "replace")
    refused = system.http.post(f"{segment.path}/revisions/1/publish", json={"force": True})
    assert refused.status_code == 409
    assert import_id in refused.json()["message"]
    system.upkeep.kill()
    system.worker.start()
    segment.completed(import_id)
    # Nobody frees anything now but the worker, which is killed once more.
    _publish(segment, 2)
    system.worker.kill()
    _publish(segment, 3)
    _publish(segment, 2)
    system.worker.start()
    system.upkeep.start()
    _wait_tidy(segment, 2, 3, 1)
    assert (segment.members(), segment.counted()) == (set(NEW), len(NEW))
    segment.delete()


def test_kept_revisions__server_gets_full__give_way_and_the_live_list_stays(
    segment: BigSegment,
) -> None:
    with segment.system.server.client() as server:

        def is_tidy() -> bool:
            # More of it is used than may be while revisions are kept, however that changes.
            used = int(server.info("memory")["used_memory"])
            server.config_set("maxmemory", int(used * 1.03))
            return _numbers(segment) == [2]

        try:
            wait_until(is_tidy, "only the live revision is left", 60)
            assert segment.members() == set(NEW)
        finally:
            server.config_set("maxmemory", 0)
    segment.delete()


def test_kept_revisions__import_would_not_fit__give_way_to_it(keeping_system: System) -> None:
    segment = new_segment(keeping_system)
    lists = [random_keys(_MANY, seed) for seed in (31, 32, 33)]
    segment.completed(segment.upload(csv_of(lists[0])))
    segment.completed(segment.upload(csv_of(lists[1]), "replace"))
    assert _numbers(segment) == [2, 1, 0]
    replaced_s = time.time()
    wait_until(lambda: time.time() > replaced_s + _READERS_S, "readers have had their time")
    with keeping_system.server.client() as server:
        used = int(server.info("memory")["used_memory"])
        try:
            # Half of what the list takes is free beside the headroom.
            server.config_set("maxmemory", int((used + _MANY * 11) / 0.95))
            segment.completed(segment.upload(csv_of(lists[2]), "replace"))
        finally:
            server.config_set("maxmemory", 0)
    assert 1 not in _numbers(segment)
    assert segment.members() == set(lists[2])
    segment.delete()
