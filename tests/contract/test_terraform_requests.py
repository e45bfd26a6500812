"""What LaunchDarkly's Terraform provider 3.1.3 sends and expects, request by request.

Source: read in the provider's code. Its HTTPS is `bigseg api --tls-cert`'s matter.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.api_servers import SEGMENTS, TOKEN, Api, assert_refused, new_key

#: The Go client adds the version, and the provider adds it again.
_HEADERS: Final = [
    ("Authorization", TOKEN),
    ("Ld-Api-Version", "20240415"),
    ("Ld-Api-Version", "20240415"),
    ("Accept", "application/json"),
    ("User-Agent", "launchdarkly-terraform-provider/3.1.3"),
]
_PROJECT: Final = "/api/v2/projects/default"
_ENVIRONMENT: Final = f"{_PROJECT}/environments/production"
_MOST_INT32: Final = 2**31 - 1

#: What the Go client's decoder demands to be there; of what type, it checks too.
_SEGMENT: Final[dict[str, type]] = {
    "name": str,
    "key": str,
    "tags": list,
    "creationDate": int,
    "lastModifiedDate": int,
    "rules": list,
    "version": int,
    "generation": int,
    "deleted": bool,
    "_links": dict,
}
_PROJECT_FIELDS: Final[dict[str, type]] = {
    "_links": dict,
    "_id": str,
    "key": str,
    "name": str,
    "includeInSnippetByDefault": bool,
    "tags": list,
}
_ENVIRONMENT_FIELDS: Final[dict[str, type]] = {
    "_links": dict,
    "_id": str,
    "key": str,
    "name": str,
    "apiKey": str,
    "mobileKey": str,
    "color": str,
    "defaultTtl": int,
    "secureMode": bool,
    "defaultTrackEvents": bool,
    "requireComments": bool,
    "confirmChanges": bool,
    "tags": list,
    "critical": bool,
}
_RULES: Final[list[dict[str, Any]]] = [
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
        ]
    },
]
_TARGETS: Final[dict[str, Any]] = {
    "included": ["z", "a", "m"],
    "excluded": ["y", "b"],
    "rules": _RULES,
    "includedContexts": [
        {"contextKind": "org", "values": ["o2", "o1"]},
        {"contextKind": "device", "values": ["d"]},
    ],
    "excludedContexts": [{"contextKind": "device", "values": ["e2", "e1"]}],
}
_NO_TARGETS: Final[dict[str, Any]] = {name: [] for name in _TARGETS}


@pytest.fixture(scope="module")
def terraform(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, headers=_HEADERS, timeout=20) as terraform:
        sent = terraform.build_request("GET", "/").headers.get_list("ld-api-version")
        assert sent == ["20240415", "20240415"]
        yield terraform


def _decoded(reply: httpx.Response, status: int, required: dict[str, type]) -> dict[str, Any]:
    """Decode an answer as the Go client does."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body: dict[str, Any] = reply.json()
    for name, kind in required.items():
        assert type(body[name]) is kind, name
    for name in ("version", "generation", "defaultTtl"):
        assert body.get(name, 0) <= _MOST_INT32
    return body


def _place_is_there(terraform: httpx.Client) -> None:
    """The checks before a segment is created."""
    plan = terraform.get(_PROJECT)
    assert plan.status_code == 200
    assert not plan.json().get("requireViewAssociationForNewSegments")
    _decoded(terraform.get(_PROJECT), 200, _PROJECT_FIELDS)
    _decoded(terraform.get(_ENVIRONMENT), 200, _ENVIRONMENT_FIELDS)


def _created(terraform: httpx.Client, **given: Any) -> str:
    key = new_key()
    shell = {
        "name": "Made by Terraform",
        "key": key,
        "description": "",
        "tags": [],
        "unbounded": False,
        "unboundedContextKind": "",
    }
    _decoded(terraform.post(SEGMENTS, json=shell | given), 201, _SEGMENT)
    return key


def _patched(terraform: httpx.Client, key: str, *operations: dict[str, Any]) -> dict[str, Any]:
    body = {"comment": "Terraform", "patch": list(operations)}
    return _decoded(terraform.patch(f"{SEGMENTS}/{key}", json=body), 200, _SEGMENT)


def _replace(name: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": f"/{name}", "value": value}


def _read(terraform: httpx.Client, key: str) -> dict[str, Any]:
    """Read a segment with all that the provider reads beside it."""
    _decoded(terraform.get(_ENVIRONMENT), 200, _ENVIRONMENT_FIELDS)
    segment = _decoded(terraform.get(f"{SEGMENTS}/{key}"), 200, _SEGMENT)
    environment = _decoded(terraform.get(_ENVIRONMENT), 200, _ENVIRONMENT_FIELDS)
    views = terraform.get(
        f"{_PROJECT}/view-associations/segments/{key}",
        params={"environmentId": environment["_id"], "limit": 100, "offset": 0},
        headers={"LD-API-Version": "beta"},
    )
    assert_refused(views, 404, "not_found")
    return segment


def _without_ids(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules as the provider's state keeps them."""
    return [
        {name: value for name, value in rule.items() if name not in {"_id", "clauses"}}
        | {
            "clauses": [
                {n: v for n, v in clause.items() if n != "_id"} for clause in rule["clauses"]
            ]
        }
        for rule in rules
    ]


def _assert_round_trip(segment: dict[str, Any], targets: dict[str, Any]) -> None:
    """Order, and the type of each value, are what was sent; JSON tells 1 from 1.0 and true."""
    shown = {name: segment[name] for name in targets}
    shown["rules"] = _without_ids(shown["rules"])
    sent = json.loads(json.dumps(targets))
    for rule in sent["rules"]:
        rule.setdefault("rolloutContextKind", "user")
    assert json.dumps(shown, sort_keys=True) == json.dumps(sent, sort_keys=True)


def test_apply__standard_segment__comes_back_as_it_was_planned(terraform: httpx.Client) -> None:
    _place_is_there(terraform)
    key = _created(terraform, description="d", tags=["terraform", "b"])
    _patched(terraform, key, *(_replace(name, value) for name, value in _TARGETS.items()))

    segment = _read(terraform, key)

    _assert_round_trip(segment, _TARGETS)
    assert (segment["description"], sorted(segment["tags"])) == ("d", ["b", "terraform"])
    assert not segment.get("unbounded")
    assert "weight" not in segment["rules"][1]


def test_apply__without_targets__is_not_patched_and_has_empty_values(
    terraform: httpx.Client,
) -> None:
    _place_is_there(terraform)

    segment = _read(terraform, _created(terraform))

    _assert_round_trip(segment, _NO_TARGETS)
    assert segment.get("description", "") == ""
    assert segment["tags"] == []
    assert segment.get("unboundedContextKind", "") == ""


@pytest.mark.parametrize("tags", [["b", "a"], None])
def test_update__of_everything__is_one_patch(
    terraform: httpx.Client, tags: list[str] | None
) -> None:
    key = _created(terraform, tags=["old"])
    targets = _TARGETS | {"included": ["m", "a"], "rules": _RULES[::-1], "excluded": []}
    tagging = {"op": "remove", "path": "/tags"} if tags is None else _replace("tags", tags)

    _patched(
        terraform,
        key,
        _replace("name", "Renamed"),
        _replace("description", ""),
        *(_replace(name, value) for name, value in targets.items()),
        tagging,
    )

    segment = _read(terraform, key)
    _assert_round_trip(segment, targets)
    assert (segment["name"], segment.get("description", "")) == ("Renamed", "")
    assert sorted(segment["tags"]) == sorted(tags or [])


def test_update__of_rules_read_before__keeps_their_order(terraform: httpx.Client) -> None:
    """The provider writes its own rules again, without the ids it was given."""
    key = _created(terraform)
    _patched(terraform, key, _replace("rules", _RULES))
    read = _without_ids(_read(terraform, key)["rules"])

    _patched(terraform, key, _replace("rules", read[::-1]))

    assert _without_ids(_read(terraform, key)["rules"]) == read[::-1]


@pytest.mark.parametrize("kind", ["", "device"])
def test_apply__big_segment__takes_the_empty_lists_of_an_update(
    terraform: httpx.Client, kind: str
) -> None:
    key = _created(terraform, unbounded=True, unboundedContextKind=kind)

    _patched(
        terraform,
        key,
        _replace("name", "Big"),
        _replace("description", "d"),
        *(_replace(name, []) for name in _TARGETS),
        {"op": "remove", "path": "/tags"},
    )

    segment = _read(terraform, key)
    assert (segment["name"], segment["description"], segment["tags"]) == ("Big", "d", [])
    assert (segment["unbounded"], segment["unboundedContextKind"]) == (True, kind or "user")
    assert segment["rules"] == []
    assert not segment.get("included")


def test_destroy__segment__is_gone_when_it_is_read(terraform: httpx.Client) -> None:
    key = _created(terraform)

    reply = terraform.delete(f"{SEGMENTS}/{key}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert_refused(terraform.get(f"{SEGMENTS}/{key}"), 404, "not_found")


def test_create__key_taken__is_a_conflict_that_is_not_retried(terraform: httpx.Client) -> None:
    key = _created(terraform)

    reply = terraform.post(SEGMENTS, json={"name": "again", "key": key, "tags": []})

    assert assert_refused(reply, 409, "key_exists") == "Duplicate segment key"
