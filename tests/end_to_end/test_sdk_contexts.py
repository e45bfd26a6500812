"""Unmodified SDKs say of contexts of every kind what the API says."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from ldclient.integrations import Files

from tests.support.sdks.connected_system import connected_system, put_flags
from tests.support.sdks.connecting import Connection, Context, Evaluated, Sdk, context_of
from tests.support.sdks.flags import flag_of, flags_of
from tests.support.sdks.node_sdk import node_sdk
from tests.support.sdks.python_sdk import python_sdk
from tests.support.segments.environment import rule
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, SEGMENTS, new_segment
from tests.support.systems.system import System

_EVALUATE: Final = "/api/v2/projects/default/environments/production/segments/evaluate"
_PREFIX: Final = "contexts-of-a-test"

#: What SDKs are asked about, by name: kinds and keys that several lists have, in each way.
_CONTEXTS: Final[dict[str, Context]] = {
    **{key: context_of(key) for key in ("in", "out", "both", "nowhere", "d", "🦊")},
    "gold": {**context_of("nowhere"), "plan": "gold"},
    "gold, out": {**context_of("out"), "plan": "gold"},
    "device d": context_of("d", "device"),
    "device in": context_of("in", "device"),
    "device barred": context_of("barred", "device"),
    "org": context_of("in", "org"),
    "in with d": {"kind": "multi", "user": {"key": "in"}, "device": {"key": "d"}},
    "out with d": {"kind": "multi", "user": {"key": "out"}, "device": {"key": "d"}},
    "in with org": {"kind": "multi", "user": {"key": "in"}, "org": {"key": "d"}},
    "org with device": {"kind": "multi", "org": {"key": "in"}, "device": {"key": "in"}},
}
#: By segment, who is in it.
_MEMBERS: Final[dict[str, set[str]]] = {
    "users": {"in", "both", "🦊", "in with d", "in with org"},
    "devices": {"device d", "in with d", "out with d"},
    # Its targets first, then its rules: gold ones, and those of the lists of users and devices.
    "standard": {
        *{"out", "in", "both", "🦊", "gold", "gold, out", "device d"},
        *{"in with d", "out with d", "in with org"},
    },
    "barring": {"gold"},
}
#: By segment, for whom no list is asked: there is no key of its kind, or a target decides.
_UNASKED: Final[dict[str, set[str]]] = {
    "users": {"device d", "device in", "device barred", "org", "org with device"},
    "devices": {*_CONTEXTS} - {name for name in _CONTEXTS if "device" in name or "with d" in name},
    "standard": {"out", "gold", "gold, out", "out with d", "device barred", "org"},
    "barring": {*_CONTEXTS},
}


@pytest.fixture
def connection(keeping_system: System) -> Iterator[Connection]:
    with connected_system(keeping_system, _PREFIX) as connection:
        yield connection


def _segment_match(*segments: str) -> dict[str, Any]:
    clause = {"attribute": "", "op": "segmentMatch", "values": [*segments], "negate": False}
    return {"clauses": [clause]}


def _create(system: System, key: str, **fields: Any) -> None:
    reply = system.http.post(SEGMENTS, json={"key": key, "name": key, **fields})
    assert reply.status_code == 201, reply.text


def _patch(system: System, key: str, *rules: dict[str, Any], **targets: Any) -> None:
    patch = [{"op": "add", "path": "/rules/-", "value": one} for one in rules]
    patch += [{"op": "replace", "path": f"/{name}", "value": targets[name]} for name in targets]
    reply = system.http.patch(f"{SEGMENTS}/{key}", json=patch)
    assert reply.status_code == 200, reply.text


def _edit(system: System, key: str, included: Sequence[str], excluded: Sequence[str]) -> None:
    body = {"included": {"add": [*included]}, "excluded": {"add": [*excluded]}}
    reply = system.http.post(f"{SEGMENTS}/{key}/contexts", json=body)
    assert reply.is_success, reply.text


def _create_segments(system: System) -> None:
    _create(system, "users", unbounded=True)
    _create(system, "devices", unbounded=True, unboundedContextKind="device")
    _create(system, "standard")
    _create(system, "barring")
    _edit(system, "users", ["in", "both", "🦊"], ["out", "both"])
    _edit(system, "devices", ["d"], ["in"])
    gold = rule("plan", "in", ["gold"])
    barred = [{"contextKind": "device", "values": ["barred"]}]
    lists = _segment_match("users", "devices")
    _patch(system, "standard", gold, lists, included=["out"], excludedContexts=barred)
    _patch(system, "barring", gold, excluded=["out"])


def _evaluated(system: System, context: Context) -> set[str]:
    """Ask the API which segments a context is in."""
    reply = system.http.post(_EVALUATE, json=context)
    assert reply.status_code == 200, reply.text
    return {one["key"] for one in reply.json()["items"] if one["isMember"]}


@pytest.mark.usefixtures("node_home")
def test_sdks__contexts_of_every_kind__are_where_the_api_says(
    keeping_system: System, connection: Connection
) -> None:
    system = keeping_system
    _create_segments(system)
    put_flags(system, *_MEMBERS)
    for name, context in _CONTEXTS.items():
        wanted = {segment for segment, names in _MEMBERS.items() if name in names}
        assert _evaluated(system, context) == wanted, name
    with python_sdk(connection) as python, node_sdk(connection) as node:
        for sdk in (python, node):
            for segment in _MEMBERS:
                _wait_named(sdk, segment)
            assert sdk.logged() == []


def _wait_named(sdk: Sdk, segment: str) -> None:
    wanted = {
        name: Evaluated(
            name in _MEMBERS[segment], None if name in _UNASKED[segment] else "HEALTHY", None
        )
        for name in _CONTEXTS
    }
    found: dict[str, Evaluated] = {}

    def is_right() -> bool:
        answers = sdk.evaluate(flag_of(segment), [*_CONTEXTS.values()])
        found.update(zip(_CONTEXTS, answers, strict=True))
        return found == wanted

    try:
        wait_until(is_right, "all are right", LIMIT_S)
    except TimeoutError:
        wrong = {name: (found[name], wanted[name]) for name in found if found[name] != wanted[name]}
        raise AssertionError(f"{sdk.name}, {segment}: {wrong}") from None


def test_sdk__with_flags_from_elsewhere__finds_members_here(
    keeping_system: System, connection: Connection, tmp_path: Path
) -> None:
    segment = new_segment(keeping_system)
    segment.completed(segment.upload(b"in\n"))
    key, generation = segment.ref.segment, segment.ref.generation
    elsewhere = {"key": key, "version": 900, "unbounded": True, "generation": generation}
    data = {**flags_of([key]), "segments": {key: elsewhere}}
    data["flags"][flag_of(key)]["version"] = 900
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data))
    source = Files.new_data_source([str(file)])
    with python_sdk(connection, update_processor_class=source, send_events=False) as sdk:
        wanted = [Evaluated(value, "HEALTHY", None) for value in (True, False)]
        contexts = [context_of("in"), context_of("out")]
        wait_until(lambda: sdk.evaluate(flag_of(key), contexts) == wanted, "members", LIMIT_S)
