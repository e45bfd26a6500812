"""Evaluation over HTTP, driven by LaunchDarkly's Python client and by bare requests."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from launchdarkly_api import ApiClient, ContextInstanceSegmentMembership, SegmentsApi
from launchdarkly_api.exceptions import BadRequestException, NotFoundException

from tests.support.clients.python_client import PROJECT, as_sent, python_client
from tests.support.segments.environment import (
    Written,
    big_segment,
    evaluate_path,
    rule,
    standard_segment,
)
from tests.support.servers.api import Api, assert_refused, new_key
from tests.support.store.building import replace
from worker.store import Edit, EnvironmentRef, Store, create_environment, delete_environment

ADA = {"kind": "user", "key": "ada", "plan": "gold"}
GOLD = rule("plan", "in", ["gold"])


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def http(api: Api) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


@pytest.fixture
def env(store: Store) -> Iterator[EnvironmentRef]:
    """An environment of the test's own: evaluation is about all segments of one."""
    env = EnvironmentRef(PROJECT, new_key("environment"))
    environment = store.environments.new(env.environment, "Evaluated")
    create_environment(store, PROJECT, environment)
    yield env
    delete_environment(store, env)


def _evaluated(
    client: ApiClient, env: EnvironmentRef, context: dict[str, Any]
) -> dict[str, ContextInstanceSegmentMembership]:
    found = SegmentsApi(client).get_context_instance_segments_membership_by_env(
        env.project, env.environment, context
    )
    return {one.key: one for one in found.items}


def _members(client: ApiClient, env: EnvironmentRef, context: dict[str, Any]) -> set[str]:
    return {key for key, one in _evaluated(client, env, context).items() if one.is_member}


def test_evaluate__every_field__is_there(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    standard_segment(store, env, "standard", included=["ada"])
    big_segment(store, env, "big", Edit("i+", "bob"))

    reply = SegmentsApi(client).get_context_instance_segments_membership_by_env_with_http_info(
        env.project, env.environment, ADA
    )

    list_path = f"/api/v2/segments/{env.project}/{env.environment}"
    json_type = "application/json"
    parent = {"href": list_path, "type": json_type}
    assert reply.status_code == 200
    body = as_sent(reply)
    by_key = {one["key"]: one for one in body["items"]}
    site = f"/{env.project}/{env.environment}/segments/standard"
    assert by_key["standard"] == {
        "name": "Name of standard",
        "key": "standard",
        "description": "",
        "unbounded": False,
        "external": "",
        "isMember": True,
        "isIndividuallyTargeted": True,
        "isRuleTargeted": False,
        "_links": {
            "parent": parent,
            "self": {"href": f"{list_path}/standard", "type": json_type},
            "site": {"href": site, "type": "text/html"},
        },
    }
    assert set(by_key["big"]) == set(by_key["standard"])
    assert (by_key["big"]["unbounded"], by_key["big"]["isMember"]) == (True, False)
    assert body["_links"] == {
        "parent": parent,
        "self": {"href": evaluate_path(env), "type": json_type},
    }


def test_evaluate__many_segments__are_in_the_order_of_their_list(
    client: ApiClient, http: httpx.Client, store: Store, env: EnvironmentRef
) -> None:
    for number in range(12):
        standard_segment(store, env, f"s{number}")

    listed = http.get(f"/api/v2/segments/{env.project}/{env.environment}?limit=20").json()

    assert [*_evaluated(client, env, ADA)] == [one["key"] for one in listed["items"]]


def test_evaluate__standard_segments__say_why_the_context_is_in(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    standard_segment(store, env, "named", included=["ada"], excluded=["ada"], rules=[GOLD])
    standard_segment(store, env, "barred", excluded=["ada"], rules=[GOLD])
    standard_segment(store, env, "ruled", rules=[rule("plan", "in", ["tin"]), GOLD])
    standard_segment(store, env, "none-of-it", rules=[rule("plan", "in", ["tin"])])
    standard_segment(store, env, "nobody", rules=[GOLD | {"weight": 0}])

    found = _evaluated(client, env, ADA)

    why = {key: (one.is_member, one.is_individually_targeted) for key, one in found.items()}
    assert why == {
        "named": (True, True),
        "barred": (False, False),
        "ruled": (True, False),
        "none-of-it": (False, False),
        "nobody": (False, False),
    }
    assert [key for key, one in found.items() if one.is_rule_targeted] == ["ruled"]


def test_evaluate__big_segments__answer_by_their_lists_and_their_kind(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    big_segment(store, env, "in", Edit("i+", "ada"))
    big_segment(store, env, "in-both", Edit("i+", "ada"), Edit("e+", "ada"))
    big_segment(store, env, "out", Edit("i+", "bob"), Edit("e+", "ada"))
    big_segment(store, env, "empty")
    big_segment(store, env, "orgs", Edit("i+", "acme"), Edit("i+", "ada"), kind="org")

    found = _evaluated(client, env, ADA)

    assert {key for key, one in found.items() if one.is_individually_targeted} == {"in", "in-both"}
    assert all(one.unbounded and not one.is_rule_targeted for one in found.values())
    assert _members(client, env, {"kind": "org", "key": "acme"}) == {"orgs"}


def test_evaluate__multi_context__each_kind_is_asked_for(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    big_segment(store, env, "big-users", Edit("i+", "ada"))
    big_segment(store, env, "big-orgs", Edit("i+", "acme"), kind="org")
    standard_segment(
        store, env, "orgs", includedContexts=[{"contextKind": "org", "values": ["acme"]}]
    )
    standard_segment(store, env, "large", rules=[rule("size", "greaterThan", [10], kind="org")])
    multi = {"kind": "multi", "user": {"key": "ada"}, "org": {"key": "acme", "size": 12}}

    assert _members(client, env, multi) == {"big-users", "big-orgs", "orgs", "large"}
    assert _members(client, env, {"kind": "org", "key": "acme", "size": 9}) == {
        "big-orgs",
        "orgs",
    }


def test_evaluate__no_kind__is_a_user_with_all_its_properties(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    big_segment(store, env, "big", Edit("i+", "ada"))
    standard_segment(store, env, "gold", rules=[GOLD])

    assert _members(client, env, {"key": "ada", "plan": "gold"}) == {"big", "gold"}
    assert _members(client, env, {"key": "ada", "custom": {"plan": "gold"}}) == {"big", "gold"}


def test_evaluate__segments_that_refer_to_others__follow_them(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    big_segment(store, env, "big", Edit("i+", "ada"))
    standard_segment(store, env, "gold", rules=[GOLD])
    match = "segmentMatch"
    standard_segment(store, env, "by-big", rules=[rule("", match, ["empty", "big"])])
    standard_segment(store, env, "empty")
    standard_segment(store, env, "by-rule", rules=[rule("", match, ["gold"])])
    standard_segment(store, env, "chain", rules=[rule("", match, ["by-big"])])
    standard_segment(store, env, "not-big", rules=[rule("", match, ["big"], negate=True)])

    found = _evaluated(client, env, ADA)

    members = {key for key, one in found.items() if one.is_member}
    assert members == {"big", "gold", "by-big", "by-rule", "chain"}
    assert found["chain"].is_rule_targeted
    assert _members(client, env, {"kind": "user", "key": "eve"}) == {"not-big"}


def test_evaluate__segments_in_error__have_no_member_and_harm_no_other(
    api: Api, client: ApiClient, http: httpx.Client, store: Store, env: EnvironmentRef
) -> None:
    gone = big_segment(store, env, "gone", Edit("i+", "ada"))
    big_segment(store, env, "whole", Edit("i+", "ada"))
    unread = standard_segment(store, env, "unread", included=["ada"])
    match = "segmentMatch"
    standard_segment(store, env, "one", rules=[rule("", match, ["two"])])
    standard_segment(store, env, "two", rules=[rule("", match, ["one"])])
    standard_segment(store, env, "by-gone", rules=[rule("", match, ["gone"], negate=True)])
    malformed = [rule("//", "in", ["gold"], kind="user")]
    standard_segment(store, env, "malformed", rules=malformed)
    standard_segment(store, env, "fine", included=["ada"])
    assert _members(client, env, ADA) == {"gone", "whole", "unread", "fine"}

    store.client.unlink(store.keyspace.list_record(gone.ref))
    _damage(store, unread)

    before = _in_error(http)
    context = {"kind": "user", "key": "ada-whom-nobody-logs"}
    assert _members(client, env, ADA) == {"whole", "fine"}
    assert _members(client, env, context) == set()
    # Gone, by-gone, unread, one, two and malformed, twice.
    assert _in_error(http) - before == 12
    assert "segments.unevaluated" in api.log
    assert context["key"] not in api.log


def _damage(store: Store, segment: Written) -> None:
    """Store targets that nobody can read, and say that the definition has changed."""
    changed = store.segments.update(
        store.segments.get(segment.env, segment.key), segment.change("[1]")
    )
    assert changed.version == segment.version + 1


def _in_error(http: httpx.Client) -> float:
    lines = http.get("/metrics").text.splitlines()
    name = "bigseg_segments_in_error_total "
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_evaluate__changed_by_another_process__is_seen_by_the_next_request(
    client: ApiClient, http: httpx.Client, store: Store, env: EnvironmentRef
) -> None:
    written = standard_segment(store, env, "standard", included=["ada"])
    big = big_segment(store, env, "big", Edit("i+", "ada"))
    assert _members(client, env, ADA) == {"standard", "big"}

    for round_ in range(5):
        written = written.changed(store, included=["bob"])
        store.memberships.edit(big.ref, [Edit("i-", "ada")])
        assert _members(client, env, ADA) == set()
        written = written.changed(store, included=["ada"])
        replace(store, big.ref, f"import-{round_}", ["ada", "bob"], bits=4 + round_)
        assert _members(client, env, ADA) == {"standard", "big"}

    path = f"/api/v2/segments/{env.project}/{env.environment}"
    patched = http.patch(f"{path}/standard", json={"included": [], "name": "New", "rules": [GOLD]})
    assert patched.status_code == 200
    found = _evaluated(client, env, ADA)["standard"]
    assert (found.name, found.is_rule_targeted) == ("New", True)


def test_evaluate__deleted_and_made_anew__starts_empty(
    client: ApiClient, store: Store, env: EnvironmentRef
) -> None:
    big_segment(store, env, "big", Edit("i+", "ada"))
    standard_segment(store, env, "standard", included=["ada"])
    assert _members(client, env, ADA) == {"big", "standard"}

    for key in ("big", "standard"):
        store.segments.delete(env, key)
    assert _evaluated(client, env, ADA) == {}
    again = big_segment(store, env, "big")
    standard_segment(store, env, "standard")

    assert set(_evaluated(client, env, ADA)) == {"big", "standard"}
    assert _members(client, env, ADA) == set()
    store.memberships.edit(again.ref, [Edit("i+", "ada")])
    assert _members(client, env, ADA) == {"big"}


@pytest.mark.parametrize("key", ["a/b?c#d %2F", "\N{GRINNING FACE}" * 256, "x" * 1_024, "é" * 512])
def test_evaluate__any_key_a_list_can_hold__is_found(
    client: ApiClient, store: Store, env: EnvironmentRef, key: str
) -> None:
    big_segment(store, env, "big", Edit("i+", key))

    assert _members(client, env, {"kind": "user", "key": key}) == {"big"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"ada"',
        b"{",
        b"{}",
        b'{"kind":"user"}',
        b'{"kind":"user","key":""}',
        b'{"kind":"user","key":7}',
        b'{"kind":7,"key":"ada"}',
        b'{"kind":"no blanks","key":"ada"}',
        b'{"kind":"kind","key":"ada"}',
        b'{"kind":"multi"}',
        b'{"kind":"multi","user":"ada"}',
        b'{"kind":"multi","user":{"key":""}}',
        b'{"kind":"multi","user":{"key":"ada"},"org":{"key":"a\\u0000b"}}',
        b'{"kind":"user","key":"a\\nb"}',
        b'{"kind":"user","key":"\\ud800"}',
        b'{"kind":"user","key":" "}',
        b'{"kind":"user","key":"ada","age":NaN}',
        b'{"kind":"user","key":"\xff"}',
        json.dumps({"kind": "user", "key": "x" * 1_025}).encode(),
        json.dumps({"kind": "user", "key": "é" * 513}).encode(),
        b'{"kind":"user","key":"ada","deep":' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
def test_evaluate__no_context__is_refused(http: httpx.Client, body: bytes) -> None:
    path = evaluate_path(EnvironmentRef(PROJECT, "production"))

    reply = http.post(path, content=body, headers={"Content-Type": "application/json"})

    message = assert_refused(reply, 400, "invalid_request")
    assert "xxx" not in message
    assert len(message) < 400


def test_evaluate__long_property_name__is_not_repeated_whole(http: httpx.Client) -> None:
    name = "x" * 100_000
    for body in (
        {"kind": "multi", name: 7},
        {"kind": name, "key": "\n"},
    ):
        reply = http.post(evaluate_path(EnvironmentRef(PROJECT, "production")), json=body)

        assert len(assert_refused(reply, 400, "invalid_request")) < 400


def test_evaluate__kinds__are_bounded(
    http: httpx.Client, client: ApiClient, env: EnvironmentRef
) -> None:
    kinds = {f"kind-{number}": {"key": "k"} for number in range(100)}
    assert _evaluated(client, env, {"kind": "multi"} | kinds) == {}

    reply = http.post(evaluate_path(env), json={"kind": "multi", "one-more": {"key": "k"}} | kinds)

    assert_refused(reply, 400, "invalid_request")


def test_evaluate__other_refusals__have_their_status(api: Api, http: httpx.Client) -> None:
    path = evaluate_path(EnvironmentRef(PROJECT, "production"))
    for nowhere in (
        EnvironmentRef("nobody", "production"),
        EnvironmentRef(PROJECT, "nowhere"),
        EnvironmentRef(PROJECT, "-"),
        EnvironmentRef(PROJECT, "a%2Fb"),
    ):
        assert_refused(http.post(evaluate_path(nowhere), json=ADA), 404, "not_found")
    assert_refused(http.get(path), 405, "method_not_allowed")
    assert_refused(
        http.post(path, content=b"<a/>", headers={"Content-Type": "text/xml"}),
        415,
        "unsupported_media_type",
    )
    assert_refused(httpx.post(api.url + path, json=ADA), 401, "unauthorized")
    for size in (200_000, 5 << 20):
        assert_refused(http.post(path, json=ADA | {"x": "y" * size}), 413, "request_too_large")


def test_evaluate__refused__the_client_maps_it(client: ApiClient, env: EnvironmentRef) -> None:
    with pytest.raises(BadRequestException):
        _evaluated(client, env, {"kind": "user", "key": "a\tb"})
    with pytest.raises(NotFoundException):
        _evaluated(client, EnvironmentRef(PROJECT, "nowhere"), ADA)
    assert _evaluated(client, env, ADA) == {}


def test_evaluate__document__has_the_operation(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]

    operation = paths[evaluate_path(EnvironmentRef("{projectKey}", "{environmentKey}"))]["post"]

    assert operation["operationId"] == "getContextInstanceSegmentsMembershipByEnv"
    assert operation["requestBody"]["content"]["application/json"]["examples"]
    assert {"200", "400", "401", "404", "415", "503"} <= set(operation["responses"])
    assert "422" not in operation["responses"]
