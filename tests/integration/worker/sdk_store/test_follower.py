"""The sets that SDKs read follow the lists, whatever happens to either and to the follower."""

import base64
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.sdk_store.no_log import NoLog
from tests.support.sdk_store.scripted_lists import ScriptedLists
from tests.support.servers.redis import Server, running_server
from tests.support.store.stores import PRODUCTION, new_list, opened_database, opened_in, raw
from worker.sdk_store.follower import Follower
from worker.settings import StoreSettings
from worker.store import EXCLUDED, INCLUDED, ListRef, Store
from worker.store.sdk_store import SdkStoreSettings

KEYS = [f"user-{number}" for number in range(60)]


def hash_of(key: str) -> str:
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()


@dataclass
class System:
    """A store whose lists the test changes, a server for SDKs, and a follower."""

    store: Store
    sdk: Server
    lists: ScriptedLists
    clock: "Clock"
    follower: Follower
    prefix: str = "launchdarkly"

    def restart(self) -> None:
        """Go on with a follower that knows nothing."""
        self.follower.close()
        self.follower = new_follower(self.store, self.sdk, self.lists)

    def sets(self) -> dict[str, set[str]]:
        """Give what is in the sets, by the end of their keys; no empty set is there."""
        with self.sdk.client(decode_responses=True) as client:
            names = client.scan_iter(f"{self.prefix}:big_segment_*:*", count=1_000)
            return {
                name.partition("big_segment_")[2]: {str(ref) for ref in client.smembers(name)}
                for name in names
            }

    def wanted(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for segment in self.store.segments.read_remaining(PRODUCTION):
            for side, keys in self.lists.members(segment.ref).items():
                for key in keys:
                    name = f"{side.removesuffix('d')}:{hash_of(key)}"
                    found.setdefault(name, set()).add(segment.ref.name)
        return found

    def catch_up(self) -> None:
        """Step until the sets are what the lists are, and the records say so."""
        for _ in range(200):
            self.step()
            if self.is_caught_up() and self.sets() == self.wanted():
                return
        assert self.sets() == self.wanted()
        assert self.is_caught_up()

    def is_caught_up(self) -> bool:
        state = self.store.sdk_store.state(PRODUCTION)
        return state is not None and state.caught_up_ms is not None and state.behind == 0

    def step(self) -> None:
        """Do one step, as if some time had passed since the last one."""
        self.clock.now_ms += 700
        self.follower.step()

    def synchronized_ms(self) -> int | None:
        found = self.sdk.command_reply("GET", f"{self.prefix}:big_segments_synchronized_on")
        return None if found is None else int(found)


@dataclass
class Clock:
    """A clock that goes on only when it is told to."""

    now_ms: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture(scope="module")
def sdk_server() -> Iterator[Server]:
    with running_server("redis") as server:
        yield server


@pytest.fixture
def system(sdk_server: Server) -> Iterator[System]:
    sdk_server.command_reply("FLUSHALL")
    clock = Clock()
    with opened_database(None) as database, opened_in(replace(database, now_ms=clock)) as store:
        lists = ScriptedLists()
        follower = new_follower(store, sdk_server, lists)
        made = System(store, sdk_server, lists, clock, follower)
        store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=True))
        yield made
        made.follower.close()


def new_follower(store: Store, server: Server, lists: ScriptedLists) -> Follower:
    settings = StoreSettings.model_validate({"sdk_store_url": server.url})
    return Follower(store, settings, lists, NoLog())


def new_segment(system: System, key: str = "s", *, members: int = 0) -> ListRef:
    """Create a segment whose lists have as many of the first keys, some of them in both."""
    ref = new_list(system.store, key)
    system.lists.create(ref)
    if members:
        system.lists.replace(ref, {INCLUDED: {*KEYS[:members]}, EXCLUDED: {*KEYS[3:9]}})
    return ref


def test_step__new_list__is_in_the_sets_and_sdks_are_told(system: System) -> None:
    new_segment(system, members=40)
    system.catch_up()
    assert len(system.sets()) == 46
    told_ms = system.synchronized_ms()
    assert told_ms is not None
    assert system.clock.now_ms - told_ms < 5_000


def test_step__edits__are_there_after_one_step(system: System) -> None:
    ref = new_segment(system, members=10)
    system.catch_up()
    system.lists.edit(ref, INCLUDED, "new", adds=False)
    system.lists.edit(ref, INCLUDED, "new", adds=True)
    system.lists.edit(ref, INCLUDED, KEYS[0], adds=False)
    system.lists.edit(ref, EXCLUDED, KEYS[0], adds=True)
    system.step()
    assert system.sets() == system.wanted()


def test_step__flip__never_takes_away_what_stays(system: System) -> None:
    ref = new_segment(system, members=40)
    system.catch_up()
    stays = {hash_of(key) for key in KEYS[20:40]}
    with system.sdk.client() as client, client.monitor() as monitor:
        system.lists.replace(ref, {INCLUDED: {*KEYS[20:60]}, EXCLUDED: set()})
        system.catch_up()
        client.echo("end")
        commands = read_until(monitor, "ECHO end")
    touched = {
        command.split()[1].rpartition(":")[2] for command in commands if "REM" in command.split()[0]
    }
    assert touched
    assert not touched & stays


def read_until(monitor: Any, last: str) -> list[str]:
    commands: list[str] = []
    while not commands or commands[-1].upper() != last.upper():
        commands.append(monitor.next_command()["command"])
    return commands


def test_step__server_flushed__is_filled_again_and_stale_until_then(system: System) -> None:
    new_segment(system, members=40)
    system.catch_up()
    system.sdk.command_reply("FLUSHALL")
    system.catch_up()
    state = system.store.sdk_store.state(PRODUCTION)
    assert state is not None
    assert state.rebuilds == 1


def test_step__server_has_lost_its_last_writes__is_compared(system: System) -> None:
    ref = new_segment(system, members=10)
    system.catch_up()
    with system.sdk.client() as client:
        canary = client.hget("launchdarkly:bigseg_canary", "writes")
        system.lists.edit(ref, INCLUDED, "lost", adds=True)
        system.step()
        # As a replica that is promoted without it.
        client.delete(f"launchdarkly:big_segment_include:{hash_of('lost')}")
        client.hset("launchdarkly:bigseg_canary", "writes", canary)
    system.catch_up()


def test_step__leftovers_of_another_system__are_swept(system: System) -> None:
    ref = new_segment(system, members=10)
    with system.sdk.client() as client:
        for key in (KEYS[0], "stranger"):
            client.sadd(f"launchdarkly:big_segment_include:{hash_of(key)}", "old.g7", ref.name)
    system.catch_up()


def test_step__list_that_is_being_filled__is_not_held_before_it_is_full(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.sdk_store.kept_environment._WORK_S", 0.0)
    new_segment(system, members=60)
    system.lists.batch = 1
    system.follower.step()
    assert system.store.sdk_store.held(PRODUCTION) == {}
    system.catch_up()
    assert system.store.sdk_store.held(PRODUCTION) == {"s": 1}


def test_step__second_follower__waits_for_the_lease(system: System) -> None:
    ref = new_segment(system, members=10)
    system.catch_up()
    second = new_follower(system.store, system.sdk, system.lists)
    system.lists.edit(ref, INCLUDED, "new", adds=True)
    second.step()
    assert system.sets() != system.wanted()
    system.follower.close()
    second.step()
    system.clock.now_ms += 2_000
    second.step()
    assert system.sets() == system.wanted()
    second.close()


def test_step__writes_of_a_follower_without_the_lease__are_refused(system: System) -> None:
    ref = new_segment(system, members=10)
    system.catch_up()
    late, system.follower = system.follower, new_follower(system.store, system.sdk, system.lists)
    raw(system.store).hdel(system.store.keyspace.sdk_store(PRODUCTION), "writer")
    system.catch_up()
    system.lists.edit(ref, INCLUDED, "new", adds=True)
    late.step()
    assert hash_of("new") not in "".join(system.sets())
    system.catch_up()


def test_step__switched_off__removes_all_and_frees_the_prefix(system: System) -> None:
    new_segment(system, members=40)
    system.catch_up()
    system.store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=False))
    for _ in range(20):
        system.step()
    assert system.sdk.command_reply("DBSIZE") == 0
    assert system.store.sdk_store.environments() == {}


def test_step__prefix_of_a_relay__is_left_alone_and_says_why(system: System) -> None:
    new_segment(system, members=5)
    system.sdk.command_reply("SET", "launchdarkly:big_segments_cursor", "x")
    system.step()
    state = system.store.sdk_store.state(PRODUCTION)
    assert state is not None
    assert "Relay Proxy" in str(state.reason)
    assert system.sets() == {}


def test_step__server_out_of_memory__says_so_and_goes_on_later(system: System) -> None:
    new_segment(system, members=5)
    system.sdk.command_reply("CONFIG", "SET", "maxmemory", "1")
    try:
        system.step()
        state = system.store.sdk_store.state(PRODUCTION)
        assert state is not None
        assert "out of memory" in str(state.reason)
    finally:
        system.sdk.command_reply("CONFIG", "SET", "maxmemory", "0")
    system.catch_up()


@pytest.mark.parametrize("seed", range(2))
def test_step__anything_happens__sets_end_as_the_lists_are(system: System, seed: int) -> None:
    chance = random.Random(seed)
    system.lists.batch = 9
    for number in range(120):
        happen(system, chance, number)
        for _ in range(chance.choice([0, 1, 1, 3])):
            system.step()
    system.catch_up()


def happen(system: System, chance: random.Random, number: int) -> None:
    """Have one thing happen to the lists, to the sets or to the follower."""
    segments = [*system.store.segments.read_remaining(PRODUCTION)]
    if not segments or (number % 10 == 0 and len(segments) < 3):
        new_segment(system, chance.choice("abc") if not segments else f"s{number}")
        return
    segment = chance.choice(segments)
    ref, lists = segment.ref, system.lists
    what = chance.random()
    if what < 0.5:
        for _ in range(chance.randrange(6)):
            side = chance.choice((INCLUDED, EXCLUDED))
            lists.edit(ref, side, chance.choice(KEYS), adds=chance.random() < 0.6)
    elif what < 0.7:
        lists.replace(ref, {side: {*chance.sample(KEYS, 30)} for side in (INCLUDED, EXCLUDED)})
    elif what < 0.78:
        lists.roll_back(ref)
    elif what < 0.84:
        lists.free(ref)
    elif what < 0.88:
        lists.lose_feed(ref)
    elif what < 0.92:
        lists.delete(ref)
        system.store.segments.delete(PRODUCTION, ref.segment)
    elif what < 0.95:
        system.sdk.command_reply("FLUSHALL")
    else:
        system.restart()
