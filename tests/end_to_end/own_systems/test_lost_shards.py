"""A store that has lost members says so: 503, never a false answer."""

import sys
from collections.abc import Iterator

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Kind, wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    BigSegment,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System, running_system
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.members import hash_member, pack_key, shard_index

KEYS = random_keys(5_000, 2)


@pytest.fixture(scope="module")
def system(s3_server: ObjectServer) -> Iterator[System]:
    kind: Kind = "valkey" if sys.version_info >= (3, 14) else "redis"
    settings = {"BIGSEG_UNIT_TRIES": "2"}
    with running_system(s3_server, kind=kind, settings=settings) as running:
        yield running


@pytest.fixture
def segment(system: System) -> BigSegment:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(KEYS)))
    assert segment.includes(KEYS[0])
    return segment


def _lose_shard_of(segment: BigSegment, key: str) -> int:
    """Unlink the included shard that a key belongs to; its index."""
    store = segment.system.store
    live = store.memberships.state(segment.ref).live
    index = shard_index(hash_member(pack_key(key)), live.included_bits)
    shard = store.keyspace.shard(segment.ref, live.name, INCLUDED, index)
    assert segment.system.server.command_reply("UNLINK", shard) == 1
    return index


def _answers(segment: BigSegment, keys: list[str]) -> list[tuple[int, bool | None]]:
    replies = [segment.system.http.get(f"{segment.path}/contexts/{key}") for key in keys]
    replies += [
        segment.system.http.post(f"{segment.path}/contexts/lookup", json={"key": key})
        for key in keys
    ]
    assert all(r.status_code == 200 or r.headers["retry-after"] for r in replies)
    answers = [(r.status_code, r.json().get("included")) for r in replies]
    by_path, by_body = answers[: len(keys)], answers[len(keys) :]
    assert by_path == by_body
    return by_path


def test_one_shard__lost__its_keys_are_unknown_and_all_others_known(
    segment: BigSegment,
) -> None:
    lost = _lose_shard_of(segment, KEYS[0])
    bits = segment.system.store.memberships.state(segment.ref).live.included_bits
    asked = [*KEYS[:200], *(f"stranger-{n}" for n in range(100))]
    shards = [shard_index(hash_member(pack_key(key)), bits) for key in asked]
    expected = [
        (503, None) if shard == lost else (200, key in KEYS)
        for key, shard in zip(asked, shards, strict=True)
    ]
    assert _answers(segment, asked) == expected
    assert (503, None) in expected[200:], "a stranger's shard is lost, too"
    segment.delete()


def test_one_shard__lost__no_edit_export_or_merge_hides_it(segment: BigSegment) -> None:
    system = segment.system
    _lose_shard_of(segment, KEYS[0])
    assert segment.edit(add=KEYS[:50]).status_code == 503
    assert segment.edit(remove=[KEYS[0]]).status_code == 503
    location = system.http.post(f"{segment.path}/exports", json={}).headers["location"]
    merge = segment.upload(csv_of(["new"]))
    reason = segment.stopped(merge)
    assert "is not whole" in reason or "is missing" in reason
    wait_until(lambda: system.http.get(location).json()["status"] == "stopped", "its end", LIMIT_S)
    assert _answers(segment, KEYS[:1]) == [(503, None)]


def test_one_shard__lost__replace_heals_the_list(segment: BigSegment) -> None:
    _lose_shard_of(segment, KEYS[0])
    segment.completed(segment.upload(csv_of(KEYS[:3_000]), "replace"))
    assert segment.includes(KEYS[0])
    assert segment.counted() == 3_000
    assert segment.members() == set(KEYS[:3_000])


def test_excluded_shard__lost__answers_are_unknown(segment: BigSegment) -> None:
    system, store = segment.system, segment.system.store
    body = {"excluded": {"add": KEYS[:3]}}
    assert system.http.post(f"{segment.path}/contexts", json=body).status_code == 204
    live = store.memberships.state(segment.ref).live
    for index in range(live.shard_count(EXCLUDED)):
        name = store.keyspace.shard(segment.ref, live.name, EXCLUDED, index)
        system.server.command_reply("UNLINK", name)
    assert _answers(segment, [*KEYS[:5], "stranger"]) == [(503, None)] * 6


def test_list_record__lost__answers_are_unknown(segment: BigSegment) -> None:
    system = segment.system
    system.server.command_reply("UNLINK", system.store.keyspace.list_record(segment.ref))
    assert _answers(segment, [KEYS[0], "stranger"]) == [(503, None)] * 2
    assert segment.edit(add=["x"]).status_code == 503
    assert segment.try_upload(b"a\n", "replace").status_code == 503
    assert system.http.get(segment.path).status_code == 200, "its definition is there"
    segment.delete()
    assert system.http.get(f"{segment.path}/contexts/x").status_code == 404


def test_everything__flushed__answers_are_unknown_for_every_segment(
    system: System, segment: BigSegment
) -> None:
    fresh = new_segment(system)  # never looked up before
    system.server.command_reply("FLUSHALL")
    for one in (segment, fresh):
        assert _answers(one, [KEYS[0], "stranger"]) == [(503, None)] * 2
    assert segment.edit(add=["x"]).status_code == 503
    assert segment.try_upload(b"a\n").status_code == 503
    assert system.http.get(segment.path).status_code == 503
    assert system.http.get("/api/v2/segments/default/production").status_code == 503
