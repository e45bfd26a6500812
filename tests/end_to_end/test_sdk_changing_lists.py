"""While a list changes, unmodified SDKs say of any context what the API and a plain set say."""

import random
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.support.sdks.connected_system import connected_system, put_flags
from tests.support.sdks.connecting import Connection, Evaluated, Sdk, context_of
from tests.support.sdks.flags import flag_of
from tests.support.sdks.node_sdk import node_sdk
from tests.support.sdks.python_sdk import python_sdk
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    SEGMENTS,
    BigSegment,
    csv_of,
    new_segment,
    random_keys,
)
from tests.support.systems.system import System

_PREFIX: Final = "changes-of-a-test"
_COUNT: Final = 10_000
#: Of them, that are members or none of every revision of the list, and through every edit.
_STAYING: Final = 3_000
_BOUND: Final = 20
_STEPS: Final = 2
_SEED: Final = 15


@pytest.fixture
def connection(keeping_system: System) -> Iterator[Connection]:
    with connected_system(keeping_system, _PREFIX) as connection:
        yield connection


@dataclass
class ChangingList:
    """A list that imports and edits change, and what is in it."""

    segment: BigSegment
    staying: Sequence[str]
    changing: Sequence[str]
    rng: random.Random = field(default_factory=lambda: random.Random(_SEED))
    members: set[str] = field(default_factory=set)

    def replace(self) -> None:
        chosen = self._some(len(self.changing) // 2)
        self.members = {*self.staying, *chosen}
        self.segment.completed(self.segment.upload(csv_of(self.members), "replace"))

    def change(self) -> None:
        """Replace it, merge into it, remove from it and edit it."""
        for _ in range(_STEPS):
            self.replace()
            more, fewer = self._some(500), self._some(500)
            self.segment.completed(self.segment.upload(csv_of(more)))
            self.segment.completed(self.segment.upload(csv_of(fewer), "remove"))
            self.members = (self.members | {*more}) - {*fewer}
            for _ in range(5):
                added, removed = self._some(100), self._some(100)
                removed = [key for key in removed if key not in added]
                assert self.segment.edit(add=added, remove=removed).is_success
                self.members = (self.members | {*added}) - {*removed}

    def _some(self, count: int) -> list[str]:
        return self.rng.sample(self.changing, count)


def _asked(sdk: Sdk, segment: BigSegment, keys: Sequence[str]) -> dict[str, Evaluated]:
    contexts = [context_of(key) for key in keys]
    answers = sdk.evaluate(flag_of(segment.ref.segment), contexts)
    return dict(zip(keys, answers, strict=True))


def _wrong(
    sdk: Sdk, segment: BigSegment, keys: Sequence[str], members: Collection[str]
) -> dict[str, Evaluated]:
    answers = _asked(sdk, segment, keys)
    return {
        key: answer
        for key, answer in answers.items()
        if answer != Evaluated(key in members, "HEALTHY", None)
    }


def _wait_right(
    sdk: Sdk, segment: BigSegment, keys: Sequence[str], members: Collection[str]
) -> None:
    """Ask about all keys, and again about those that are wrong until none is."""
    wrong = [*keys]

    def is_right() -> bool:
        wrong[:] = _wrong(sdk, segment, wrong, members)
        return not wrong

    wait_until(is_right, f"{sdk.name} is right about {len(keys)} contexts", LIMIT_S)


def _looked_up(segment: BigSegment, keys: Sequence[str]) -> set[str]:
    body = {"segments": [segment.ref.segment], "contexts": [*keys]}
    reply = segment.system.http.post(f"{SEGMENTS}/memberships", json=body)
    assert reply.status_code == 200, reply.text
    (found,) = reply.json()["segments"]
    return {key for key, word in zip(keys, found["answers"], strict=True) if word == "included"}


@pytest.mark.usefixtures("node_home")
def test_sdk__while_imports_and_edits_run__says_what_look_ups_and_a_set_say(
    keeping_system: System, connection: Connection
) -> None:
    keys = random_keys(_COUNT, _SEED)
    keys[::7] = [f"é/{key}" for key in keys[::7]]
    staying, strangers = keys[:_STAYING], keys[_STAYING : 2 * _STAYING]
    segment = new_segment(keeping_system)
    changed = ChangingList(segment, staying, keys[2 * _STAYING :])
    put_flags(keeping_system, segment.ref.segment)
    changed.replace()
    with python_sdk(connection) as sdk, node_sdk(connection) as node, ThreadPoolExecutor(1) as pool:
        _wait_right(sdk, segment, keys[::20], changed.members)
        changing = pool.submit(changed.change)
        _hold(sdk, segment, [*staying, *strangers], staying, changing)
        _wait_right(sdk, segment, keys[::2], changed.members)
        _wait_right(node, segment, keys[1::2], changed.members)
        assert _looked_up(segment, keys) == changed.members
        assert (sdk.logged(), node.logged()) == ([], [])


def _hold(
    sdk: Sdk,
    segment: BigSegment,
    keys: Sequence[str],
    members: Sequence[str],
    changing: "Future[None]",
) -> None:
    """Ask about contexts that no change is about until the changes end: each is always right."""
    wanted, rng, asked = {*members}, random.Random(_SEED), 0
    while not changing.done():
        assert not _wrong(sdk, segment, rng.choices(keys, k=_BOUND), wanted)
        asked += _BOUND
    changing.result()
    assert asked > _BOUND
