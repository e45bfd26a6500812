"""A list that grows only by edits gets more shards by itself."""

import os
import threading

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    BigSegment,
    assert_nothing_left,
    new_segment,
)
from tests.support.systems.system import System
from worker.store.keyspace import INCLUDED
from worker.store.lists import outgrows

#: Keys in all, 1,000,000 for the whole story; each POST takes 10,000.
COUNT = int(os.environ.get("BIGSEG_TEST_EDITED_KEYS", "50000"))
PER_POST = 10_000
MOST_IN_A_SET = 200


def _keys(number: int) -> list[str]:
    return [f"user-{number * PER_POST + n:08d}@example.org" for n in range(PER_POST)]


def _is_quiet(segment: BigSegment) -> bool:
    store = segment.system.store
    state = store.memberships.state(segment.ref)
    building = store.client.hget(store.keyspace.list_record(segment.ref), "building")
    outgrown = outgrows(state.live, state.included_count, state.excluded_count)
    return building is None and not outgrown


def _set_sizes(segment: BigSegment) -> list[int]:
    """Members of each included shard, the sentinel among them."""
    store = segment.system.store
    live = store.memberships.state(segment.ref).live
    with segment.system.server.client() as client, client.pipeline(transaction=False) as pipeline:
        for index in range(live.shard_count(INCLUDED)):
            pipeline.scard(store.keyspace.shard(segment.ref, live.name, INCLUDED, index))
        return [int(size) for size in pipeline.execute()]


def test_edits__many_keys__list_is_resharded_and_counts_are_right(system: System) -> None:
    segment, first = new_segment(system), _keys(0)
    faults: list[str] = []
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            answers = system.store.memberships.look_up(segment.ref, [first[0], first[-1], "none"])
            if [answer.included for answer in answers] != [True, True, False]:
                faults.append(str(answers))

    assert segment.edit(add=first).status_code == 204
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, COUNT // PER_POST):
            reply = segment.edit(add=_keys(number), remove=[])
            assert reply.status_code == 204, reply.text
        wait_until(lambda: _is_quiet(segment), "the list has as many shards as it needs", LIMIT_S)
    finally:
        ending.set()
        reader.join()
    assert not faults
    sizes = _set_sizes(segment)
    assert max(sizes) <= MOST_IN_A_SET
    assert sum(sizes) - len(sizes) == COUNT
    assert segment.counted() == COUNT
    assert_nothing_left(system, segment)


def test_edits__after_growth__removals_and_repetitions_keep_counts_right(system: System) -> None:
    segment = new_segment(system)
    for number in (0, 1, 0):
        segment.edit(add=_keys(number))
    segment.edit(remove=[*_keys(1)[:5_000], *_keys(2)[:10]])
    wait_until(lambda: _is_quiet(segment), "the list is quiet", LIMIT_S)
    assert segment.counted() == 15_000
    assert segment.members() == {*_keys(0), *_keys(1)[5_000:]}
    both = {"included": {"add": ["x"], "remove": ["x"]}, "excluded": {"add": ["y", "z", "z"]}}
    assert system.http.post(f"{segment.path}/users", json=both).status_code == 204
    assert segment.counted() == 15_000
