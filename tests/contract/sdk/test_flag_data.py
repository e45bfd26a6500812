"""The flags of an environment: replaced and read whole, and never such that an SDK refuses them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ldclient.impl.model import FeatureFlag

from tests.support.sdks.own_environment import OwnEnvironment, own_environment
from tests.support.servers.api import Api, assert_refused, new_key

FLAG = {
    "key": "a",
    "on": True,
    "variations": [False, True],
    "fallthrough": {"variation": 0},
}
CLAUSE = {"attribute": "key", "op": "in", "values": ["anna"]}
ROLLOUT = {"variations": [{"variation": 0, "weight": 100_000}]}
#: What an SDK for Rust does not read a flag without.
REQUIRED = {"key", "on", "targets", "rules", "prerequisites", "fallthrough", "variations", "salt"}


@pytest.fixture
def environment(api: Api) -> Iterator[OwnEnvironment]:
    with own_environment(api) as environment:
        yield environment


@pytest.fixture(scope="module")
def shared(api: Api) -> Iterator[OwnEnvironment]:
    """An environment whose flags no test changes."""
    with own_environment(api) as environment:
        yield environment


def _flags(environment: OwnEnvironment) -> Any:
    return environment.client.get(environment.flag_data).json()["flags"]


def _versions(environment: OwnEnvironment) -> dict[str, int]:
    return {key: flag["version"] for key, flag in _flags(environment).items()}


def test_flags__put__come_back_whole_and_reach_sdks(api: Api, environment: OwnEnvironment) -> None:
    assert environment.client.get(environment.flag_data).json() == {"flags": {}}
    rule = {"clauses": [CLAUSE], "rollout": ROLLOUT, "ours": {"none": None}}
    sent = {**FLAG, "version": 400, "rules": [rule], "offVariation": None, "ours": [1.0, 1, None]}

    summary = environment.put_flags({"a": sent}).json()

    assert (summary["flagCount"], summary["changedCount"]) == (1, 1)
    (found,) = _flags(environment).values()
    assert found["ours"] == [1.0, 1, None]
    assert json.dumps(found["ours"]) == "[1.0, 1, null]"
    assert found["rules"][0]["ours"] == {"none": None}
    assert found["rules"][0]["trackEvents"] is found["rules"][0]["clauses"][0]["negate"] is False
    assert found.keys() >= REQUIRED
    assert None not in found.values()
    with api.client(environment.sdk_key) as sdk:
        assert sdk.get("/sdk/latest-all").json()["flags"] == {"a": found}


def test_flags__put_again__have_higher_versions_where_they_are_others(
    environment: OwnEnvironment,
) -> None:
    flags = {key: {**FLAG, "key": key} for key in ("a", "b")}
    environment.put_flags(flags)
    first = _versions(environment)
    assert environment.put_flags(flags).json()["changedCount"] == 0
    assert _versions(environment) == first
    flags["a"] = {**flags["a"], "variations": [0, 1], "version": 1}
    environment.put_flags(flags)
    second = _versions(environment)
    assert second["a"] > first["a"]
    assert second["b"] == first["b"]
    # 0 is not false, though Python says so.
    flags["a"] = {**flags["a"], "variations": [False, 1]}
    environment.put_flags({"a": flags["a"]})
    environment.put_flags(flags)
    third = _versions(environment)
    assert third["a"] > second["a"]
    assert third["b"] > third["a"]


def test_flags__of_another_state__are_not_replaced(environment: OwnEnvironment) -> None:
    client, path = environment.client, environment.flag_data
    first = client.get(path).headers["etag"]
    second = environment.put_flags({"a": FLAG}, **{"If-Match": first}).headers["etag"]
    assert second != first
    body: dict[str, Any] = {"flags": {}}
    refused = client.put(path, json=body, headers={"If-Match": first})
    assert_refused(refused, 412, "precondition_failed")
    found = client.get(path, headers={"If-None-Match": second})
    assert (found.status_code, found.headers["etag"]) == (304, second)
    environment.put_flags({}, **{"If-Match": second})
    assert client.get(path, headers={"If-None-Match": second}).json() == body


def test_flags__whose_rules_name_unknown_segments__are_taken_and_named(
    environment: OwnEnvironment,
) -> None:
    environment.create_segment("there")
    clause = {"op": "segmentMatch", "values": ["there", "nowhere", 7]}
    rule = {"variation": 1, "clauses": [clause]}
    summary = environment.put_flags({"a": {**FLAG, "rules": [rule]}}).json()
    assert summary["unknownSegments"] == ["nowhere"]


def test_flags__changed__are_on_record_without_what_they_say(environment: OwnEnvironment) -> None:
    targets = [{"variation": 1, "values": ["anna@example.com"]}]
    environment.put_flags({"a": {**FLAG, "targets": targets}})
    environment.put_flags({"a": {**FLAG, "targets": targets}})
    log = environment.client.get("/api/v2/auditlog", params={"limit": 5})
    name = f"proj/default:env/{environment.key}"
    entries = [entry for entry in log.json()["items"] if name in json.dumps(entry)]
    verbs = [entry["titleVerb"] for entry in entries]
    assert verbs.count("replaced the flag data of the environment") == 1
    assert "anna" not in log.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "b"}, "flags.a.key"),
        ({"version": 1.0}, "flags.a.version"),
        ({"version": True}, "flags.a.version"),
        ({"version": -1}, "flags.a.version"),
        ({"on": 1}, "flags.a.on"),
        ({"on": None}, "flags.a.on"),
        ({"deleted": True}, "deleted"),
        ({"variations": None}, "flags.a.variations"),
        ({"variations": {}}, "flags.a.variations"),
        ({"variations": [10**400, 1]}, "range of a double"),
        ({"offVariation": 2}, "variation 2 of 2"),
        ({"offVariation": "0"}, "flags.a.offVariation"),
        ({"fallthrough": {}}, "variation or rollout"),
        ({"fallthrough": {"rollout": {"variations": []}}}, "flags.a.fallthrough.rollout"),
        ({"fallthrough": {"rollout": {**ROLLOUT, "seed": 2**31}}}, "rollout.seed"),
        ({"fallthrough": {"rollout": {**ROLLOUT, "kind": "other"}}}, "rollout.kind"),
        ({"targets": [{"variation": 0, "values": [1]}]}, "flags.a.targets[0].values[0]"),
        ({"targets": [{"variation": 5, "values": []}]}, "variation 5 of 2"),
        ({"contextTargets": [{"contextKind": "a b", "variation": 0, "values": []}]}, "contextKind"),
        ({"prerequisites": [{"key": "b"}]}, "flags.a.prerequisites[0].variation"),
        ({"rules": [{"variation": 0}]}, "flags.a.rules[0].clauses"),
        ({"rules": [{"clauses": []}]}, "variation or rollout"),
        (
            {"rules": [{"variation": 0, "clauses": [{**CLAUSE, "values": "a"}]}]},
            "flags.a.rules[0].clauses[0].values",
        ),
        (
            {"rules": [{"variation": 0, "clauses": [{**CLAUSE, "values": [[10**400]]}]}]},
            "range of a double",
        ),
        ({"debugEventsUntilDate": 1.5}, "flags.a.debugEventsUntilDate"),
        ({"samplingRatio": 2**31}, "flags.a.samplingRatio"),
        ({"migration": {"checkRatio": "1"}}, "flags.a.migration.checkRatio"),
        ({"clientSideAvailability": {"usingMobileKey": 1}}, "usingMobileKey"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else None,
)
def test_flag__that_an_sdk_would_refuse__is_refused(
    shared: OwnEnvironment, change: dict[str, Any], message: str
) -> None:
    body = {"flags": {"a": {**FLAG, **change}}}
    refused = shared.client.put(shared.flag_data, json=body)
    assert message in assert_refused(refused, 400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"flags": {"a": FLAG}, "segments": {"s": {}}}, "segments of the environment itself"),
        ({"flags": {"a": FLAG}, "flagValues": {}}, "flagValues"),
        ({"flags": [FLAG]}, "object of flags"),
        ({}, "object of flags"),
        ({"flags": {"a b": FLAG}}, "key"),
        ({"flags": {"a": [FLAG]}}, "flags.a"),
    ],
    ids=["segments", "others", "a-list", "nothing", "key", "no-flag"],
)
def test_document__that_is_none_of_flags__is_refused(
    shared: OwnEnvironment, body: dict[str, Any], message: str
) -> None:
    refused = shared.client.put(shared.flag_data, json=body)
    assert message in assert_refused(refused, 400, "invalid_request")


def test_document__with_a_flag_twice__is_refused(shared: OwnEnvironment) -> None:
    flag = json.dumps(FLAG)
    text = f'{{"flags":{{"a":{flag},"a":{flag}}}}}'
    headers = {"Content-Type": "application/json"}
    refused = shared.client.put(shared.flag_data, content=text, headers=headers)
    assert "two members" in assert_refused(refused, 400, "invalid_request")


def test_flags__without_anything_optional__are_read_by_the_strictest_sdk(
    environment: OwnEnvironment,
) -> None:
    parts = {
        "prerequisites": [{"key": "b", "variation": 0}],
        "targets": [{"variation": 0, "values": ["x"]}],
        "contextTargets": [{"contextKind": None, "variation": 0, "values": []}],
        "rules": [{"clauses": [{"op": "before", "values": [2**900]}], "rollout": ROLLOUT}],
        "migration": None,
        "salt": None,
        "trackEvents": None,
        "debugEventsUntilDate": None,
    }
    environment.put_flags({"a": {**FLAG, **parts}})
    flag = FeatureFlag(_flags(environment)["a"])
    assert (flag.key, flag.salt, len(flag.rules)) == ("a", "", 1)


def test_flags__of_a_large_project__are_taken_whatever_other_bodies_may_hold(
    api: Api, environment: OwnEnvironment
) -> None:
    """Over 5 MiB of 600,000 small values: other bodies may have 5 MiB and 260,000."""
    targets = [{"variation": 0, "values": [f"{number:06}" for number in range(6_000)]}]
    flags = {f"f{number}": {**FLAG, "key": f"f{number}"} for number in range(100)}
    environment.put_flags({key: {**flag, "targets": targets} for key, flag in flags.items()})
    with api.client(environment.sdk_key) as sdk:
        sent = sdk.get("/sdk/poll").json()["events"]
    assert len(sent) == len(flags) + 2
    refused = environment.client.put(environment.flag_data, content=b" " * (10 * 2**20 + 1))
    assert_refused(refused, 413, "request_too_large")


def test_flags__of_a_whole_environment__need_a_scope_of_all_of_it(
    api: Api, environment: OwnEnvironment
) -> None:
    def status(role: str, *resources: str) -> tuple[int, int]:
        body = {
            "name": new_key(),
            "inlineRole": [
                {"effect": "allow", "actions": ["*"], "resources": list(resources)},
            ],
            "role": role,
        }
        made = environment.client.post("/api/v2/tokens", json=body)
        assert made.status_code == 201, made.text
        with api.client(made.json()["token"]) as client:
            put = client.put(environment.flag_data, json={"flags": {}}).status_code
            return client.get(environment.flag_data).status_code, put

    whole = f"proj/default:env/{environment.key}:segment/*"
    one = f"proj/default:env/{environment.key}:segment/beta"
    assert status("reader", whole) == (200, 403)
    assert status("writer", whole) == (200, 200)
    assert status("writer", one) == (403, 403)


def test_flags__of_no_environment__are_not_found(client: httpx.Client) -> None:
    path = "/api/v2/flag-data/default/nowhere"
    for reply in (client.get(path), client.put(path, json={"flags": {}})):
        assert_refused(reply, 404, "not_found")
