"""Deleting a segment that rules of others refer to, and what those rules say afterwards."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
    include,
    new_key,
    running_api,
)
from tests.support.servers.redis import Server
from worker.store import Store

_EVALUATE = "/api/v2/projects/default/environments/production/segments/evaluate"
_SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


def _refer(client: httpx.Client, *keys: str, negate: bool = False, key: str | None = None) -> str:
    """Make a standard segment with a rule on others; give its key."""
    referrer = create_segment(client, key, big=False)
    clause = {"attribute": "", "op": "segmentMatch", "values": list(keys), "negate": negate}
    body = {"instructions": [{"kind": "addRule", "clauses": [clause]}]}
    path = f"{SEGMENTS}/{referrer}"
    reply = client.request("PATCH", path, json=body, headers={"Content-Type": _SEMANTIC})
    assert reply.status_code == 200, reply.text
    return referrer


def _memberships(client: httpx.Client) -> dict[str, bool]:
    reply = client.post(_EVALUATE, json={"kind": "user", "key": "ada"})
    assert reply.status_code == 200
    return {one["key"]: one["isMember"] for one in reply.json()["items"]}


def _in_error(client: httpx.Client) -> float:
    name = "bigseg_segments_in_error_total "
    lines = client.get("/metrics").text.splitlines()
    return next(float(one.removeprefix(name)) for one in lines if one.startswith(name))


@pytest.mark.parametrize("big", [True, False])
def test_delete__referred_to__is_refused_until_the_rules_are_gone(
    client: httpx.Client, *, big: bool
) -> None:
    key = create_segment(client, big=big)
    referrers = [_refer(client, "other", key, negate=negate) for negate in (True, False)]

    message = assert_refused(client.delete(f"{SEGMENTS}/{key}"), 409, "resource_in_use")

    assert all(one in message for one in (key, *referrers, "force=true"))
    assert client.get(f"{SEGMENTS}/{key}").status_code == 200
    for one in referrers:
        no_rules = [{"op": "replace", "path": "/rules", "value": []}]
        assert client.patch(f"{SEGMENTS}/{one}", json=no_rules).status_code == 200
    assert client.delete(f"{SEGMENTS}/{key}").status_code == 204


def test_delete__named_by_anything_but_a_segment_match__is_done(client: httpx.Client) -> None:
    key = create_segment(client)
    longer = create_segment(client, f"{key}-longer")
    _refer(client, longer)
    other = create_segment(client, big=False)
    clause = {"attribute": "plan", "op": "in", "values": [key], "negate": False}
    patch = {"included": [key], "rules": [{"clauses": [clause]}], "description": key}
    assert client.patch(f"{SEGMENTS}/{other}", json=patch).status_code == 200

    assert client.delete(f"{SEGMENTS}/{key}").status_code == 204


def test_delete__with_force__leaves_the_rules_in_error_and_nobody_a_member(
    client: httpx.Client,
) -> None:
    key = create_segment(client)
    include(client, key, "ada")
    negated, plain = (_refer(client, key, negate=negate) for negate in (True, False))
    through = _refer(client, negated, negate=True)
    before, failed = _memberships(client), _in_error(client)
    assert (before[negated], before[plain], before[through]) == (False, True, True)

    assert client.delete(f"{SEGMENTS}/{key}", params={"force": "true"}).status_code == 204

    after = _memberships(client)
    assert [after[one] for one in (negated, plain, through)] == [False, False, False]
    assert _in_error(client) >= failed + 3
    for one in (through, negated, plain):
        assert client.delete(f"{SEGMENTS}/{one}").status_code == 204


def test_delete__reference_added_under_it__is_in_error_not_everybody(
    client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    store.segments.delete(PRODUCTION, key)  # by a request that looked before the rule was written

    referrer = _refer(client, key, negate=True)

    assert _memberships(client)[referrer] is False
    client.delete(f"{SEGMENTS}/{referrer}")


def test_delete__by_a_token_that_may_not_know_who_refers__names_nobody(
    api: Api, client: httpx.Client
) -> None:
    key = create_segment(client)
    referrer = _refer(client, key)
    statement = {
        "effect": "allow",
        "actions": ["*"],
        "resources": [f"proj/default:env/production:segment/{key}"],
    }
    made = client.post("/api/v2/tokens", json={"name": "one segment", "inlineRole": [statement]})
    with api.client(made.json()["token"]) as scoped:
        message = assert_refused(scoped.delete(f"{SEGMENTS}/{key}"), 409, "resource_in_use")

    assert referrer not in message


def test_delete__by_an_overridden_post__is_refused_as_well(client: httpx.Client) -> None:
    key = create_segment(client)
    _refer(client, key)

    reply = client.post(f"{SEGMENTS}/{key}", headers={"X-HTTP-Method-Override": "DELETE"})

    assert_refused(reply, 409, "resource_in_use")


@pytest.fixture(scope="module")
def as_launchdarkly(valkey_server: Server) -> Iterator[httpx.Client]:
    """An API that deletes what others refer to."""
    settings = {"PROTECT_REFERENCED_SEGMENTS": "false"}
    with running_api(valkey_server.url, settings) as running, running.client() as client:
        yield client


def test_delete__protection_is_off__is_done_and_the_rule_is_in_error(
    as_launchdarkly: httpx.Client,
) -> None:
    client, key = as_launchdarkly, new_key()
    create_segment(client, key, big=False)
    referrer = _refer(client, key, negate=True)

    assert client.delete(f"{SEGMENTS}/{key}").status_code == 204

    shown: dict[str, Any] = _memberships(client)
    assert shown == {referrer: False}
