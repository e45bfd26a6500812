"""The sets for SDKs, on a server of their own, follow the lists whatever happens to either."""

import base64
import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import pytest
import redis

from tests.support.processes.started import ROOT
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, running_server, wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    PRODUCTION,
    BigSegment,
    csv_of,
    delete_all_segments,
    new_segment,
    random_keys,
)
from tests.support.systems.parts import Part
from tests.support.systems.system import System, running_system
from worker.store import EXCLUDED, INCLUDED, Side
from worker.store.sdk_store import SdkStoreSettings

_PREFIX: Final = "launchdarkly"
_PATH: Final = "/api/v2/sdk-store/default/production"
_KEYS: Final = [f"context-{number}" for number in range(1_500)]
_MANY: Final = random_keys(15_000, 15)
#: SDKs see an edit after this time at most.
_VISIBLE_WITHIN_S: Final = 1.0

Keys = dict[Side, set[str]]


@dataclass
class Mirror:
    """What the sets should hold: each list as two plain sets of keys."""

    system: System
    sdk: Server
    lists: dict[str, Keys] = field(default_factory=dict)

    def segment(self) -> BigSegment:
        segment = new_segment(self.system)
        self.lists[segment.ref.name] = {INCLUDED: set(), EXCLUDED: set()}
        return segment

    def wanted(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for ref, sides in self.lists.items():
            for side, keys in sides.items():
                for key in keys:
                    found.setdefault(_name(side, key), set()).add(ref)
        return found

    def sets(self) -> dict[str, set[str]]:
        with self.sdk.client(decode_responses=True) as client:
            names = [*client.scan_iter(f"{_PREFIX}:big_segment_*:*", 10_000)]
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.smembers(name)
            return dict(zip(names, pipeline.execute(), strict=True))

    def wait_equal(self) -> None:
        wanted = self.wanted()
        try:
            wait_until(lambda: self.sets() == wanted, "the sets are as the lists", LIMIT_S)
        except TimeoutError:
            found = self.sets()
            wrong = {name for name in {*found, *wanted} if found.get(name) != wanted.get(name)}
            message = f"{len(wrong)} differ; {self.shown()}\n{self.system.logs()}"
            raise AssertionError(message) from None

    def shown(self) -> dict[str, Any]:
        reply = self.system.http.get(_PATH)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def wait_status(self, status: str) -> dict[str, Any]:
        wait_until(lambda: self.shown()["status"] == status, status, LIMIT_S)
        return self.shown()

    def edit(self, segment: BigSegment, side: Side, add: list[str], remove: list[str]) -> None:
        body = {side: {"add": add, "remove": remove}}
        reply = self.system.http.post(f"{segment.path}/contexts", json=body)
        assert reply.is_success, reply.text
        keys = self.lists[segment.ref.name][side]
        keys.difference_update(remove)
        keys.update(add)

    def seconds_to_see(self, segment: BigSegment, key: str) -> float:
        """Add a key; how long it takes until SDKs can see it."""
        self.edit(segment, INCLUDED, [key], [])
        started, name = time.monotonic(), _name(INCLUDED, key)
        with self.sdk.client() as client:
            wait_until(lambda: bool(client.exists(name)), "the edit is there", LIMIT_S)
        return time.monotonic() - started

    def import_list(self, segment: BigSegment, keys: list[str], mode: str) -> None:
        segment.completed(segment.upload(csv_of(keys), mode))
        kept = self.lists[segment.ref.name][INCLUDED]
        if mode == "replace":
            kept.clear()
        kept.update(keys)


def _name(side: Side, key: str) -> str:
    encoded = base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()
    return f"{_PREFIX}:big_segment_{side.removesuffix('d')}:{encoded}"


@pytest.fixture(scope="module")
def sdk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Has the users of ``deploy/sdk-store.acl``; the test itself is an administrator."""
    acl = tmp_path_factory.mktemp("acl") / "users.acl"
    text = (ROOT / "deploy/sdk-store.acl").read_text()
    lines = [f"{line} >secret" for line in text.splitlines() if line]
    acl.write_text("\n".join([*lines, "user default on nopass sanitize-payload ~* &* +@all", ""]))
    with running_server("redis", options={"aclfile": str(acl)}) as server:
        yield server


@pytest.fixture(scope="module")
def system(s3_server: ObjectServer, sdk_server: Server) -> Iterator[System]:
    url = f"redis://bigseg-sdk-worker:secret@127.0.0.1:{sdk_server.port}/0"
    settings = {"BIGSEG_SDK_STORE_URL": url, "BIGSEG_KEPT_REVISIONS": "2"}
    with running_system(s3_server, settings=settings) as system:
        yield system


@pytest.fixture
def mirror(system: System, sdk_server: Server) -> Iterator[Mirror]:
    records = system.store.sdk_store
    records.put_settings(PRODUCTION, SdkStoreSettings(on=True, prefix=_PREFIX))
    yield Mirror(system, sdk_server)
    system.revive()
    delete_all_segments(system)
    records.put_settings(PRODUCTION, SdkStoreSettings(on=False, prefix=_PREFIX))
    wait_until(lambda: not records.environments(), "the sets are removed", LIMIT_S)
    assert sdk_server.command_reply("DBSIZE") == 0
    assert sdk_server.command_reply("ACL", "LOG") == []


def test_sets__whatever_happens_to_the_lists__follow_them(mirror: Mirror) -> None:
    chance = random.Random(15)
    segment = mirror.segment()
    mirror.import_list(segment, chance.sample(_KEYS, 700), "merge")
    before = {*mirror.lists[segment.ref.name][INCLUDED]}
    number = segment.system.http.get(f"{segment.path}/revisions").json()["items"][0]["number"]
    for _ in range(3):
        for side in (INCLUDED, EXCLUDED, INCLUDED):
            mirror.edit(segment, side, chance.sample(_KEYS, 20), [])
            kept = sorted(mirror.lists[segment.ref.name][side])
            mirror.edit(segment, side, [], chance.sample(kept, 9))
    mirror.wait_equal()
    mirror.import_list(segment, chance.sample(_KEYS, 900), "replace")
    erased = chance.choice(sorted(mirror.lists[segment.ref.name][INCLUDED] & before))
    path = f"/api/v2/contexts/default/production/user/{quote(erased, safe='')}"
    assert mirror.system.http.delete(path).is_success
    before.discard(erased)
    for keys in mirror.lists[segment.ref.name].values():
        keys.discard(erased)
    _expire_at_once(mirror, segment, min(mirror.lists[segment.ref.name][INCLUDED]))
    mirror.wait_equal()
    reply = mirror.system.http.post(
        f"{segment.path}/revisions/{number}/publish", json={"force": True}
    )
    assert reply.status_code == 200, reply.text
    wait_until(lambda: len(segment.members()) < 750, "the old revision is live", LIMIT_S)
    mirror.lists[segment.ref.name] = {
        INCLUDED: segment.members(),
        EXCLUDED: mirror.lists[segment.ref.name][EXCLUDED],
    }
    mirror.wait_equal()
    segment.delete()
    del mirror.lists[segment.ref.name]
    mirror.wait_equal()
    _may_only_read(mirror.sdk)


def _expire_at_once(mirror: Mirror, segment: BigSegment, key: str) -> None:
    instruction = {
        "kind": "addExpiringTarget",
        "contextKind": "user",
        "contextKey": key,
        "targetType": "included",
        "value": time.time_ns() // 1_000_000 + 500,
    }
    reply = mirror.system.http.patch(
        f"/api/v2/segments/default/{segment.ref.segment}/expiring-targets/production",
        json={"instructions": [instruction]},
    )
    assert reply.json()["failedInstructions"] == 0, reply.text
    mirror.lists[segment.ref.name][INCLUDED].discard(key)


def _may_only_read(server: Server) -> None:
    url = f"redis://sdk:secret@127.0.0.1:{server.port}/0"
    with redis.Redis.from_url(url) as client:
        assert client.get(f"{_PREFIX}:big_segments_synchronized_on")
        assert client.smembers(_name(INCLUDED, "x")) == set()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.sadd(_name(INCLUDED, "x"), "y")
    server.command_reply("ACL", "LOG", "RESET")


def test_edit__also_while_another_list_is_filled__is_seen_within_a_second(mirror: Mirror) -> None:
    segment, other = mirror.segment(), mirror.segment()
    mirror.wait_status("current")
    assert min(mirror.seconds_to_see(segment, f"quiet-{n}") for n in range(3)) < _VISIBLE_WITHIN_S
    importing = other.upload(csv_of(_MANY))
    taken: list[float] = []
    while int(str(mirror.sdk.command_reply("DBSIZE"))) < len(_MANY):
        taken.append(mirror.seconds_to_see(segment, f"beside-{len(taken)}"))
    other.completed(importing)
    mirror.lists[other.ref.name][INCLUDED].update(_MANY)
    assert min(taken) < _VISIBLE_WITHIN_S
    mirror.wait_equal()


def test_fill__worker_killed_in_the_middle__another_one_completes_it(mirror: Mirror) -> None:
    segment = mirror.segment()
    mirror.import_list(segment, _MANY, "merge")
    mirror.wait_equal()
    parts = mirror.system.worker, mirror.system.upkeep
    found = {part.name: part.log.count("sdk_store.lost") for part in parts}
    mirror.sdk.command_reply("FLUSHALL")

    def keepers() -> list[Part]:
        return [part for part in parts if part.log.count("sdk_store.lost") > found[part.name]]

    wait_until(lambda: bool(keepers()), "it is filled again", LIMIT_S)
    keepers()[0].kill()
    mirror.edit(segment, INCLUDED, ["beside"], _MANY[:3])
    mirror.wait_equal()


def test_server__out_of_memory__says_so_and_is_made_good_later(mirror: Mirror) -> None:
    segment = mirror.segment()
    mirror.edit(segment, INCLUDED, ["before"], [])
    mirror.wait_equal()
    mirror.sdk.command_reply("CONFIG", "SET", "maxmemory", "1")
    try:
        mirror.edit(segment, INCLUDED, ["meanwhile"], [])
        shown = mirror.wait_status("failing")
        assert "out of memory" in shown["reason"]
    finally:
        mirror.sdk.command_reply("CONFIG", "SET", "maxmemory", "0")
    mirror.wait_equal()
    assert "reason" not in mirror.wait_status("current")
