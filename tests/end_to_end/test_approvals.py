"""Imports that wait for an approval, through the real worker: exact, durable, never in the way."""

from typing import Any, Final

import pytest

from tests.end_to_end.conftest import MOST_EDITS
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
from worker.store.keyspace import INCLUDED
from worker.store.lists import Revision
from worker.store.members import hash_member, pack_key, shard_index

OLD: Final = random_keys(400, 20)
KEYS: Final = random_keys(6_000, 21)
BOTH_SIZES: Final = pytest.mark.parametrize(
    "count", [300, len(KEYS)], ids=["one chunk", "several chunks"]
)


def _shown(segment: BigSegment, import_id: str) -> dict[str, Any]:
    reply = segment.system.http.get(f"{segment.path}/imports/{import_id}")
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json()
    return shown


def _start(segment: BigSegment, count: int = 300) -> str:
    return segment.upload(csv_of(KEYS[:count]), "replace", waitOnApprovals="True")


def _pending(segment: BigSegment, import_id: str) -> dict[str, Any]:
    """Wait until an import waits for its approval; until then it is only being prepared."""
    seen: list[str] = []

    def waits() -> bool:
        seen.append(_shown(segment, import_id)["status"])
        assert seen[-1] in {"preparing", "pending_approval"}, _shown(segment, import_id)
        return seen[-1] == "pending_approval"

    wait_until(waits, "it waits for its approval", LIMIT_S)
    return _shown(segment, import_id)


def _filled(system: System) -> BigSegment:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(OLD)))
    return segment


def _lose_shard_of(segment: BigSegment, key: str) -> None:
    """Unlink the shard of what is built that a key belongs to."""
    keys = segment.system.store.keyspace
    text = segment.system.store.client.hget(keys.list_record(segment.ref), "target")
    assert text is not None
    target = Revision.parse(text)
    index = shard_index(hash_member(pack_key(key)), target.included_bits)
    shard = keys.shard(segment.ref, target.name, INCLUDED, index)
    assert segment.system.server.command_reply("UNLINK", shard) == 1


@BOTH_SIZES
def test_pending__edited_and_approved__publishes_exactly_that(system: System, count: int) -> None:
    segment = _filled(system)
    segment.edit(add=[KEYS[0]])
    import_id = _start(segment, count)
    assert segment.approve("x").status_code == 400

    report = _pending(segment, import_id)["report"]

    figures = (report["membersBefore"], report["added"], report["removed"], report["unchanged"])
    assert figures == (len(OLD) + 1, count - 1, len(OLD), 1)
    assert segment.counted() == len(OLD) + 1
    assert segment.system.http.get(segment.path).json()["_importInProgress"] is True
    segment.edit(add=["one", "two"], remove=[KEYS[1], KEYS[2], KEYS[3]])
    assert segment.includes("one")
    assert not segment.includes(KEYS[4])

    def replayed() -> bool:
        now = _shown(segment, import_id)["report"]
        return bool(now["membersAfter"] == count - 1 and now["editedWhileImporting"] == -1)

    wait_until(replayed, "the edits are replayed while it waits", LIMIT_S)
    assert system.store.builds.journal_ops(segment.ref) == 0
    assert system.server.command_reply("XLEN", system.store.keyspace.edits(segment.ref)) == 0
    segment.edit(add=["three"], remove=["two"])
    assert segment.approve(import_id).status_code == 200
    report = segment.completed(import_id)
    assert (report["added"], report["removed"]) == (count - 1, len(OLD))
    assert report["seconds"]["approval"] > 0
    assert min(report["seconds"].values()) >= 0
    assert segment.members() == {*KEYS[:count], "one", "three"} - {*KEYS[1:4]}
    assert segment.counted() == report["membersAfter"] == count - 1
    assert segment.approve(import_id).status_code == 400
    assert_nothing_left(system, segment)


def test_pending__worker_killed__waits_on_and_the_approval_is_kept(system: System) -> None:
    segment = _filled(system)
    import_id = _start(segment, len(KEYS))
    _pending(segment, import_id)
    system.worker.kill()
    segment.edit(add=["while dead"])
    system.worker.start()
    assert _pending(segment, import_id)["status"] == "pending_approval"
    system.worker.kill()
    assert segment.approve(import_id).status_code == 200
    assert _shown(segment, import_id)["status"] == "in_progress"
    assert segment.counted() == len(OLD) + 1, "it is a worker that publishes"
    assert segment.try_upload(b"a\n").status_code == 409
    assert segment.approve(import_id).status_code == 200
    system.worker.start()
    segment.completed(import_id)
    assert segment.members() == {*KEYS, "while dead"}


def test_approval__by_an_api_that_died_half_way__sweep_finds_it(system: System) -> None:
    """The list record has it, and nobody has said so to the import or to a worker."""
    segment = _filled(system)
    import_id = _start(segment)
    _pending(segment, import_id)
    record = system.store.keyspace.list_record(segment.ref)
    assert system.store.database.scripts.run("list/approve", [record], [import_id]) == b"ok"
    segment.completed(import_id)
    assert segment.members() == set(KEYS[:300])


def test_pending__another_import__supersedes_it_and_frees_all(system: System) -> None:
    segment = _filled(system)
    first = _start(segment, len(KEYS))
    _pending(segment, first)
    second = _start(segment)
    assert segment.stopped(first) == f"superseded by import {second}"
    _pending(segment, second)
    third = segment.upload(csv_of(["a", "b"]))
    assert segment.stopped(second) == f"superseded by import {third}"
    segment.completed(third)
    assert segment.members() == {*OLD, "a", "b"}
    assert segment.approve(first).status_code == 400
    assert_nothing_left(system, segment)


def test_another_import__while_one_that_will_wait_is_built__supersedes_it(
    slow_system: System,
) -> None:
    segment = new_segment(slow_system)
    keys = random_keys(24_000, 22)
    first = segment.upload(csv_of(keys), "replace", waitOnApprovals="true")
    segment.wait_stage(first, "gather")
    assert _shown(segment, first)["status"] == "preparing"
    assert segment.approve(first).status_code == 400
    second = segment.upload(csv_of(["a"]))
    segment.completed(second)
    assert segment.stopped(first) == f"superseded by import {second}"
    assert segment.members() == {"a"}
    assert_nothing_left(slow_system, segment)


def test_pending__nobody_approves_it__stops_by_itself(brokered_system: System) -> None:
    segment = _filled(brokered_system)
    import_id = _start(segment)
    reason = segment.stopped(import_id)
    assert "nobody approved it" in reason
    assert "BIGSEG_APPROVAL_TTL" in reason
    assert segment.approve(import_id).status_code == 400
    assert_nothing_left(brokered_system, segment)
    assert segment.members() == set(OLD)


def test_pending__too_many_edits_left__stops(system: System) -> None:
    segment = _filled(system)
    import_id = _start(segment)
    _pending(segment, import_id)
    edits: list[str] = []

    def stopped_by_edits() -> bool:
        # Upkeep may have looked just before: then it replays them.
        more = [f"edit-{len(edits) + n}" for n in range(MOST_EDITS + 1)]
        assert segment.edit(add=more).status_code == 204
        edits.extend(more)
        return segment.state(import_id).ended_ms is not None

    wait_until(stopped_by_edits, "more edits than it may have")
    assert "BIGSEG_APPROVAL_JOURNAL_OPS" in segment.stopped(import_id)
    assert_nothing_left(system, segment)
    assert segment.members() == {*OLD, *edits}


def test_pending__segment_deleted__stops_and_frees_all(system: System) -> None:
    segment, half_way = _filled(system), _filled(system)
    import_id, other = _start(segment, len(KEYS)), _start(half_way)
    _pending(segment, import_id)
    _pending(half_way, other)
    segment.delete()
    system.store.memberships.delete(half_way.ref)  # by an API that died then
    assert segment.stopped(import_id) == "segment deleted"
    wait_until(lambda: half_way.state(other).ended_ms is not None, "its end", LIMIT_S)
    assert half_way.state(other).reason == "segment deleted"
    assert_nothing_left(system)


@BOTH_SIZES
def test_approved__shard_lost_while_it_waited__is_written_again(system: System, count: int) -> None:
    segment = _filled(system)
    import_id = _start(segment, count)
    _pending(segment, import_id)
    _lose_shard_of(segment, KEYS[0])
    assert segment.approve(import_id).status_code == 200
    segment.completed(import_id)
    assert segment.members() == set(KEYS[:count])
    assert segment.counted() == count


def test_approved__edited_shard_lost_while_it_waited__stops(system: System) -> None:
    segment = _filled(system)
    import_id = _start(segment)
    _pending(segment, import_id)
    segment.edit(add=["edit"])
    wait_until(lambda: system.store.builds.journal_ops(segment.ref) == 0, "it is replayed", LIMIT_S)
    _lose_shard_of(segment, KEYS[0])
    assert segment.approve(import_id).status_code == 200
    assert "lost part of what was built" in segment.stopped(import_id)
    assert segment.members() == {*OLD, "edit"}
    assert_nothing_left(system, segment)


@BOTH_SIZES
def test_pending__server_lost_that_it_was_counted__is_counted_anew_and_waits(
    system: System, count: int
) -> None:
    """As after a failover to a server that had not yet been told."""
    segment = _filled(system)
    import_id = _start(segment, count)
    _pending(segment, import_id)
    record = system.store.keyspace.list_record(segment.ref)
    system.server.command_reply("HSET", record, "stage", "gather", "seal", "5")
    system.server.command_reply("HDEL", record, "counted")

    def counted() -> bool:
        state = _shown(segment, import_id)
        assert state["status"] != "stopped", state
        again = system.store.client.hget(record, "counted") is not None
        return again and state["status"] == "pending_approval"

    wait_until(counted, "it is counted again", LIMIT_S)
    assert segment.counted() == len(OLD)
    assert segment.approve(import_id).status_code == 200
    segment.completed(import_id)
    assert segment.members() == set(KEYS[:count])
