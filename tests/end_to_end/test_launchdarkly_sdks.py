"""Unmodified SDKs of LaunchDarkly evaluate against bigseg alone, whatever happens to the lists."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import pytest
from ldclient import datasystem

from tests.support.sdks.connected_system import connected_system, put_flags
from tests.support.sdks.connecting import Connection, Context, Evaluated, Sdk, context_of
from tests.support.sdks.flags import flag_of
from tests.support.sdks.node_sdk import node_sdk
from tests.support.sdks.python_sdk import python_sdk
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import (
    LIMIT_S,
    PRODUCTION,
    SEGMENTS,
    BigSegment,
    csv_of,
    new_segment,
)
from tests.support.systems.system import System

_PREFIX: Final = "sdks-of-a-test"
_FDV2: Final = datasystem.default()
_MEMBERS: Final = ("anna", "ben", "ça va", "🦊")
_STRANGERS: Final = ("nobody", "anna ", "ANNA")


@dataclass
class Evaluations:
    """SDKs that have connected, and what each is to say."""

    system: System
    connection: Connection
    sdks: list[Sdk] = field(default_factory=list)

    def wait_for(self, segment: BigSegment, members: set[str], *, status: str = "HEALTHY") -> None:
        """Wait until every SDK answers right for members and for everybody else."""
        keys = sorted({*members, *_MEMBERS, *_STRANGERS})
        contexts = [*map(context_of, keys)]
        wanted = [Evaluated(key in members, status, None) for key in keys]
        for sdk in self.sdks:
            self._wait(sdk, segment, contexts, wanted)

    def wait_for_strangers(self, segment: BigSegment) -> None:
        """Wait until every SDK takes nobody for a member, without asking for any."""
        wanted = [Evaluated(value=False, status=None, error=None)]
        for sdk in self.sdks:
            self._wait(sdk, segment, [context_of(_MEMBERS[1])], wanted)

    def _wait(
        self, sdk: Sdk, segment: BigSegment, contexts: list[Context], wanted: list[Evaluated]
    ) -> None:
        flag = flag_of(segment.ref.segment)
        found: list[Evaluated] = []

        def is_right() -> bool:
            found[:] = sdk.evaluate(flag, contexts)
            return found == wanted

        try:
            wait_until(is_right, f"{sdk.name} is right about {flag}", LIMIT_S)
        except TimeoutError:
            wrong = {
                context["key"]: (is_, should)
                for context, is_, should in zip(contexts, found, wanted, strict=True)
                if is_ != should
            }
            state = self.system.store.sdk_store.state(PRODUCTION)
            message = f"{sdk.name}: {wrong}\n{sdk.logged()}\n{state}\n{self.system.logs()}"
            raise AssertionError(message) from None


@pytest.fixture
def evaluations(keeping_system: System) -> Iterator[Evaluations]:
    with connected_system(keeping_system, _PREFIX) as connection:
        yield Evaluations(keeping_system, connection)


@pytest.mark.usefixtures("node_home")
def test_sdks__whatever_happens_to_a_list__say_what_it_says(evaluations: Evaluations) -> None:
    system, connection = evaluations.system, evaluations.connection
    segment, other = new_segment(system), new_segment(system)
    put_flags(system, segment.ref.segment, other.ref.segment)
    with ExitStack() as stack:
        evaluations.sdks = [
            stack.enter_context(python_sdk(connection)),
            stack.enter_context(node_sdk(connection)),
            stack.enter_context(
                python_sdk(connection, name="Python, FDv2", datasystem_config=_FDV2.build())
            ),
            stack.enter_context(node_sdk(connection, fdv2=True)),
        ]
        evaluations.wait_for(segment, set())
        segment.completed(segment.upload(csv_of(_MEMBERS[:3])))
        other.completed(other.upload(csv_of([_MEMBERS[0]])))
        evaluations.wait_for(segment, {*_MEMBERS[:3]})
        evaluations.wait_for(other, {_MEMBERS[0]})
        assert segment.edit(add=[_MEMBERS[3]], remove=[_MEMBERS[0]]).is_success
        evaluations.wait_for(segment, {*_MEMBERS[1:]})
        before = _live(segment)
        segment.completed(segment.upload(csv_of(_MEMBERS[:1]), "replace"))
        evaluations.wait_for(segment, {_MEMBERS[0]})
        _roll_back(segment, before)
        evaluations.wait_for(segment, {*_MEMBERS[1:]})
        _flush(system)
        evaluations.wait_for(segment, {*_MEMBERS[1:]})
        segment.delete()
        evaluations.wait_for(other, {_MEMBERS[0]})
        evaluations.wait_for_strangers(segment)
        again = _created_again(segment)
        again.completed(again.upload(csv_of(_MEMBERS[2:])))
        evaluations.wait_for(again, {*_MEMBERS[2:]})
        evaluations.sdks += [
            stack.enter_context(python_sdk(connection, name="Python, polling", stream=False)),
            stack.enter_context(node_sdk(connection, stream=False)),
        ]
        evaluations.wait_for(again, {*_MEMBERS[2:]})
        for sdk in evaluations.sdks:
            assert sdk.logged() == [], sdk.name


def _live(segment: BigSegment) -> int:
    shown = segment.system.http.get(f"{segment.path}/revisions").json()
    return int(shown["items"][0]["number"])


def _roll_back(segment: BigSegment, number: int) -> None:
    path = f"{segment.path}/revisions/{number}/publish"
    reply = segment.system.http.post(path, json={"force": True})
    assert reply.status_code == 200, reply.text


def _flush(system: System) -> None:
    """Take all from SDKs, as a restart of a server without persistence does."""
    with system.server.client() as client:
        for name in client.scan_iter(f"{_PREFIX}:*", 5_000):
            client.unlink(name)


def _created_again(segment: BigSegment) -> BigSegment:
    system, key = segment.system, segment.ref.segment
    body = {"key": key, "name": "again", "unbounded": True}
    assert system.http.post(SEGMENTS, json=body).status_code == 201
    return BigSegment(system, system.store.segments.get(PRODUCTION, key).ref)
