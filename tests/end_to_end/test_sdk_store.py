"""The sets that SDKs read follow the lists, with real workers."""

import base64
import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, PRODUCTION, BigSegment, csv_of, new_segment
from tests.support.systems.system import System
from worker.store.sdk_store import SdkStoreSettings

_PREFIX: Final = "sdk-of-a-test"
#: SDKs may see an edit this much later; the machine of a test is busy with other tests, too.
_VISIBLE_WITHIN_S: Final = 3.0
_KEYS: Final = [f"context-{number}" for number in range(3_000)]


@dataclass
class Mirror:
    """What the sets should hold: each list as a plain set of keys."""

    system: System
    lists: dict[str, set[str]] = field(default_factory=dict)

    def wanted(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for ref, keys in self.lists.items():
            for key in keys:
                digest = hashlib.sha256(key.encode()).digest()
                found.setdefault(base64.b64encode(digest).decode(), set()).add(ref)
        return found

    def sets(self) -> dict[str, set[str]]:
        with self.system.server.client(decode_responses=True) as client:
            names = [*client.scan_iter(f"{_PREFIX}:big_segment_include:*", 5_000)]
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.smembers(name)
            return {
                name.rpartition(":")[2]: refs
                for name, refs in zip(names, pipeline.execute(), strict=True)
                if refs
            }

    def flush(self) -> None:
        with self.system.server.client() as client:
            for name in client.scan_iter(f"{_PREFIX}:*", 5_000):
                client.unlink(name)

    def wait_equal(self, limit_s: float = LIMIT_S) -> None:
        wanted = self.wanted()
        try:
            wait_until(lambda: self.sets() == wanted, "the sets are as the lists", limit_s)
        except TimeoutError:
            found = self.sets()
            wrong = {key for key in {*found, *wanted} if found.get(key) != wanted.get(key)}
            state = self.system.store.sdk_store.state(PRODUCTION)
            raise AssertionError(f"{len(wrong)} differ; {state}\n{self.system.logs()}") from None

    def synchronized_s(self) -> float:
        """How long ago SDKs were told that the sets are current."""
        told = self.system.server.command_reply("GET", f"{_PREFIX}:big_segments_synchronized_on")
        return float("inf") if told is None else time.time() - int(told) / 1000


@pytest.fixture
def mirror(keeping_system: System) -> Iterator[Mirror]:
    records = keeping_system.store.sdk_store
    records.put_settings(PRODUCTION, SdkStoreSettings(on=True, prefix=_PREFIX))
    mirror = Mirror(keeping_system)
    yield mirror
    records.put_settings(PRODUCTION, SdkStoreSettings(on=False, prefix=_PREFIX))
    wait_until(lambda: not records.environments(), "the sets are removed", LIMIT_S)
    assert mirror.sets() == {}
    assert mirror.synchronized_s() == float("inf")


def test_sets__whatever_happens_to_the_lists__follow_them(mirror: Mirror) -> None:
    chance = random.Random(15)
    segment = new_segment(mirror.system)
    kept = mirror.lists[segment.ref.name] = set()
    _import(mirror, segment, chance.sample(_KEYS, 1_500), "merge")
    mirror.wait_equal()
    for _ in range(3):
        _edit(mirror, segment, chance)
        mirror.wait_equal(_VISIBLE_WITHIN_S)
    before, number = {*kept}, _live(segment)
    _import(mirror, segment, chance.sample(_KEYS, 2_000), "replace")
    _edit(mirror, segment, chance)
    mirror.wait_equal()
    forced = {"force": True}
    reply = mirror.system.http.post(f"{segment.path}/revisions/{number}/publish", json=forced)
    assert reply.status_code == 200, reply.text
    mirror.lists[segment.ref.name] = before
    mirror.wait_equal()
    mirror.flush()
    mirror.wait_equal()
    wait_until(lambda: mirror.synchronized_s() < 30, "SDKs are told", LIMIT_S)
    segment.delete()
    del mirror.lists[segment.ref.name]
    again = _created_again(mirror, segment)
    _import(mirror, again, chance.sample(_KEYS, 500), "merge")
    mirror.wait_equal()
    assert mirror.system.store.sdk_store.held(PRODUCTION)[again.ref.segment] == 2
    again.delete()


def _import(mirror: Mirror, segment: BigSegment, keys: list[str], mode: str) -> None:
    segment.completed(segment.upload(csv_of(keys), mode))
    kept = mirror.lists[segment.ref.name]
    if mode == "replace":
        kept.clear()
    kept.update(keys)


def _edit(mirror: Mirror, segment: BigSegment, chance: random.Random) -> None:
    kept = mirror.lists[segment.ref.name]
    gone, new = chance.sample(sorted(kept), 20), [f"new-{chance.random()}" for _ in range(20)]
    assert segment.edit(add=new, remove=gone).is_success
    kept.difference_update(gone)
    kept.update(new)


def _live(segment: BigSegment) -> int:
    shown = segment.system.http.get(f"{segment.path}/revisions").json()
    return int(shown["items"][0]["number"])


def _created_again(mirror: Mirror, segment: BigSegment) -> BigSegment:
    body = {"key": segment.ref.segment, "name": "again", "unbounded": True}
    path = segment.path.rpartition("/")[0]
    assert mirror.system.http.post(path, json=body).status_code == 201
    ref = mirror.system.store.segments.get(PRODUCTION, segment.ref.segment).ref
    mirror.lists[ref.name] = set()
    return BigSegment(mirror.system, ref)
