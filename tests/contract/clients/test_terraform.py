"""What both lines of LaunchDarkly's Terraform provider send: a second plan changes nothing.

Its HTTPS is `bigseg api --tls-cert`'s matter.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.clients.terraform_decoding import Refused
from tests.support.clients.terraform_provider import (
    TARGETING,
    Provider,
    Values,
    plan,
    provider,
    remove,
    replace,
)
from tests.support.servers.api import TOKEN, Api, new_key

_PLACE: Final = "default/production"
_SEGMENTS: Final = f"/api/v2/segments/{_PLACE}"
_RULES: Final[list[Values]] = [
    {
        "clauses": [
            {
                "attribute": "n",
                "op": "in",
                "values": [3, 1, 2.5, True, "1", False],
                "contextKind": "user",
                "negate": False,
            },
            {
                "attribute": "a",
                "op": "endsWith",
                "values": ["z", "a"],
                "contextKind": "org",
                "negate": True,
            },
        ],
        "weight": 0,
        "bucketBy": "email",
        "rolloutContextKind": "org",
    },
    {
        "clauses": [
            {
                "attribute": "b",
                "op": "lessThan",
                "values": [10],
                "contextKind": "user",
                "negate": False,
            }
        ],
        "rolloutContextKind": "user",
    },
]
_TARGETS: Final[Values] = {
    "included": ["z", "a", "m"],
    "excluded": ["y", "b"],
    "rules": _RULES,
    "includedContexts": [
        {"contextKind": "org", "values": ["o2", "o1"]},
        {"contextKind": "device", "values": ["d"]},
    ],
    "excludedContexts": [{"contextKind": "device", "values": ["e2", "e1"]}],
}
_NO_TARGETS: Final[Values] = {name: [] for name in TARGETING}
_SCOPE: Final = [
    {"effect": "allow", "actions": ["*"], "resources": ["proj/default:env/*:segment/*"]}
]
_ROLES: Final = ("role", "inlineRole")


@pytest.fixture(params=[2, 3], scope="module")
def terraform(api: Api, request: pytest.FixtureRequest) -> Iterator[Provider]:
    with provider(api, request.param) as terraform:
        sent = terraform.http.build_request("GET", "/").headers.get_list("ld-api-version")
        assert sent == ["20240415", "20240415"]
        yield terraform


def _segment(**given: Any) -> Values:
    return {"key": new_key(), "name": "Made by Terraform", **given}


def _environment(key: str, **given: Any) -> Values:
    return {"key": key, "name": key.upper(), "color": "ABCDEF", **given}


def test_project__created_updated_and_imported__plans_nothing(terraform: Provider) -> None:
    config: Values = {
        "key": new_key("project"),
        "name": "By Terraform",
        "tags": ["a", "terraform"],
        "environments": [_environment(key) for key in ("zeta", "alpha", "mid")],
    }
    state = terraform.apply_project(config)
    assert plan(config | {"environments": state["environments"]}, state) == []
    assert [one["key"] for one in state["environments"]] == ["zeta", "alpha", "mid"]

    alpha = _environment("alpha", critical=True, tags=["t"], defaultTtl=7, requireComments=True)
    changed: Values = config | {
        "name": "Renamed",
        "tags": [],
        "defaultClientSideAvailability": {"usingEnvironmentId": True, "usingMobileKey": False},
        "environments": [_environment("zeta"), alpha, _environment("late", secureMode=True)],
    }
    if terraform.line == 3:
        changed |= {"requireViewAssociationForNewFlags": True}
    state = terraform.apply_project(changed, state)

    for found in (state, terraform.read_project(config["key"])):  # an import knows no order
        assert plan(changed | {"environments": found["environments"]}, found) == []
        assert found["includeInSnippetByDefault"] is True
        assert [one["key"] for one in found["environments"]] == ["zeta", "alpha", "late"]
        for wanted, one in zip(changed["environments"], found["environments"], strict=True):
            assert plan(wanted, one) == []
    terraform.destroy(f"/api/v2/projects/{config['key']}")


@pytest.mark.parametrize("included", [True, False])
def test_project__with_the_older_name_of_its_availability__plans_nothing(
    api: Api, *, included: bool
) -> None:
    config = {
        "key": new_key("project"),
        "name": "n",
        "includeInSnippetByDefault": included,
        "environments": [_environment("test")],
    }
    with provider(api, 2) as terraform:
        state = terraform.apply_project(config)
        assert plan(config | {"environments": state["environments"]}, state) == []

        path = f"/api/v2/projects/{config['key']}"
        patch = [replace("includeInSnippetByDefault", not included)]
        shown = terraform.http.patch(path, json=patch).json()
        assert shown["defaultClientSideAvailability"]["usingEnvironmentId"] is not included
        terraform.destroy(path)


def test_project__created_with_either_name_of_its_availability__has_both(api: Api) -> None:
    newer = {"usingEnvironmentId": True, "usingMobileKey": False}
    with api.client() as client:
        for given in (
            {"includeInSnippetByDefault": True},
            {"defaultClientSideAvailability": newer},
            {"defaultClientSideAvailability": newer, "includeInSnippetByDefault": False},
        ):
            body = {"key": new_key("project"), "name": "n", **given}
            shown = client.post("/api/v2/projects", json=body).json()
            assert shown["includeInSnippetByDefault"] is True
            assert shown["defaultClientSideAvailability"]["usingEnvironmentId"] is True
            client.delete(f"/api/v2/projects/{body['key']}")


@pytest.mark.parametrize(
    "operation",
    [
        replace("approvalSettings/required", value=True),
        remove("approvalSettings/requiredApprovalTags"),
        replace("resourceApprovalSettings/segment/required", value=True),
    ],
)
def test_environment__approval_settings__are_refused_in_a_sentence(
    terraform: Provider, operation: Values
) -> None:
    one = {"key": "production", "name": "Production", "color": "417505"}

    with pytest.raises(Refused, match=r"400.*changes need no approval here") as caught:
        terraform.patch_environment("default", one, operation)

    assert "approval_settings" in str(caught.value)


def test_segment_approvals__set_apart_from_the_environment__are_refused_in_a_sentence(
    terraform: Provider,
) -> None:
    path = "/api/v2/approval-requests/projects/default/settings"
    reply = terraform.http.patch(path, json={"resourceKind": "segment", "required": True})

    assert reply.status_code == 400
    assert "changes need no approval here" in reply.json()["message"]


def test_segment__created_updated_and_imported__plans_nothing(terraform: Provider) -> None:
    config = _segment(description="d", tags=["b", "terraform"], **_TARGETS)
    state = terraform.apply_segment(_PLACE, config)
    assert plan(config, state, ["viewKeys"]) == []
    assert "weight" not in state["rules"][1]

    changed = config | {
        "name": "Renamed",
        "description": "",
        "tags": [],
        "included": ["m", "a"],
        "excluded": [],
        "rules": state["rules"][::-1],
        "excludedContexts": [],
    }
    state = terraform.apply_segment(_PLACE, changed, state)

    for found in (state, terraform.read_segment(_PLACE, config["key"])):
        assert plan(changed, found, ["viewKeys"]) == []
    assert terraform.apply_segment(_PLACE, changed, state) == state
    terraform.destroy(f"{_SEGMENTS}/{config['key']}")


def test_segment__without_targets__plans_nothing(terraform: Provider) -> None:
    config = _segment()

    state = terraform.apply_segment(_PLACE, config)

    left_out = {"description": "", "tags": [], "unboundedContextKind": "", **_NO_TARGETS}
    assert plan(config | left_out, state, ["unbounded", "viewKeys"]) == []


@pytest.mark.parametrize("kind", ["", "device"])
def test_big_segment__created_and_updated__takes_empty_lists_and_plans_nothing(
    terraform: Provider, kind: str
) -> None:
    config = _segment(unbounded=True, unboundedContextKind=kind, tags=["a"])
    state = terraform.apply_segment(_PLACE, config)
    config |= {"unboundedContextKind": kind or "user"}  # computed
    assert plan(config, state) == []

    changed = config | {"name": "Big", "description": "d", "tags": []}
    state = terraform.apply_segment(_PLACE, changed, state)

    assert plan(changed | _NO_TARGETS, state) == []


def test_segment__key_taken__is_a_conflict_that_is_not_retried(terraform: Provider) -> None:
    config = _segment()
    terraform.apply_segment(_PLACE, config)

    with pytest.raises(Refused, match=r'409 .*"key_exists".*"Duplicate segment key"'):
        terraform.apply_segment(_PLACE, config)


@pytest.mark.parametrize(
    "config",
    [
        {"name": "t", "role": "reader"},
        {"name": "t", "role": "admin", "serviceToken": True, "defaultApiVersion": 20191212},
        {"name": "t", "inlineRole": _SCOPE},
    ],
)
def test_token__created_updated_and_imported__plans_nothing(
    terraform: Provider, config: Values
) -> None:
    state = terraform.apply_token(config)
    assert plan(config, state, _ROLES) == []
    assert state["defaultApiVersion"] == config.get("defaultApiVersion", 20240415)

    for roles in ({"inlineRole": _SCOPE}, {"role": "writer"}, {"role": "reader"}):
        changed = {"name": "renamed", **roles}
        state = terraform.apply_token(changed, state)
        for found in (state, terraform.read_token(state["id"])):
            assert plan(changed, found, _ROLES) == []
    assert state["defaultApiVersion"] == config.get("defaultApiVersion", 20240415)

    with_it = {"Authorization": state["token"]}
    assert terraform.http.get("/api/v2/caller-identity", headers=with_it).status_code == 200
    assert state["token"] != TOKEN
    terraform.destroy(f"/api/v2/tokens/{state['id']}")
