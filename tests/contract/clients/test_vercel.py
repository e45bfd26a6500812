"""Segments, SDK keys and settings, driven by Vercel's TypeScript client."""

import json
from typing import Any, Final

import httpx
import pytest

from tests.support.clients.typescript import Outcome, TypeScriptClient
from tests.support.servers.vercel import SEGMENTS
from tests.support.vercel.projects import own_project
from tests.support.vercel.segments import every_form, in_segment, new_slug, rule

_PROJECT: Final = {"projectIdOrName": "default", "teamId": "team_1"}
_LEAST: Final = {"label": "L", "hint": "", "data": {}}
_OPERATIONS: Final = {
    "createFlagSegment",
    "listFlagSegments",
    "getFlagSegment",
    "updateFlagSegment",
    "deleteFlagSegment",
    "getFlagSettings",
    "updateFlagSettings",
    "getSDKKeys",
    "createSDKKey",
    "deleteSDKKey",
}


def _create(sdk: TypeScriptClient, **fields: Any) -> Outcome:
    body = {**_LEAST, "slug": new_slug(), **fields}
    return sdk.call("createFlagSegment", {**_PROJECT, "requestBody": body})


def _about(name: str, **fields: Any) -> dict[str, Any]:
    return {**_PROJECT, "segmentIdOrSlug": name, **fields}


def _assert_refused(outcome: Outcome, status: int, code: str) -> None:
    assert (outcome.status, outcome.error) == (status, "SDKError"), outcome
    assert json.loads(outcome.data)["error"]["code"] == code


def test_client__operations__are_those_tested_here(
    vercel_typescript: TypeScriptClient,
) -> None:
    assert vercel_typescript.operations == _OPERATIONS


def test_create__every_form__comes_back_intact(
    vercel_typescript: TypeScriptClient, vercel: httpx.Client
) -> None:
    texts = {"label": "L", "hint": "h", "description": "d", "createdBy": "me"}
    created = _create(vercel_typescript, **texts, data=every_form())

    assert created.status == 201
    assert texts.items() <= created.data.items()
    assert created.data["data"] == every_form()
    assert created.data["typeName"] == "segment"
    stored = vercel.get(f"{SEGMENTS}/{created.data['slug']}").json()
    assert created.data == stored
    for name in (created.data["id"], created.data["slug"]):
        got = vercel_typescript.call("getFlagSegment", _about(name))
        assert (got.status, got.data) == (200, created.data)
    by_id = {**_about(created.data["id"]), "projectIdOrName": created.data["projectId"]}
    got = vercel_typescript.call("getFlagSegment", {**by_id, "withMetadata": True})
    assert got.data == {
        **created.data,
        "metadata": {"creator": {"id": "admin", "name": "admin token"}},
    }
    listed = vercel_typescript.call("listFlagSegments", _PROJECT)
    assert listed.status == 200
    assert created.data in listed.data["data"]


def test_update__data_and_operations__are_applied(vercel_typescript: TypeScriptClient) -> None:
    slug = _create(vercel_typescript).data["slug"]
    place = {"field": "include", "entity": "user", "attribute": "id"}
    operations = [
        {"action": "add", **place, "value": {"value": "u9", "note": "n"}},
        {"action": "remove", **place, "value": {"value": "u1"}},
    ]
    data = {"include": {"user": {"id": [{"value": "u1"}]}}}

    updated = vercel_typescript.call(
        "updateFlagSegment",
        _about(slug, requestBody={"label": "New", "data": data, "operations": operations}),
    )

    assert (updated.status, updated.data["label"]) == (200, "New")
    assert updated.data["data"] == {"include": {"user": {"id": [{"value": "u9", "note": "n"}]}}}


def test_delete__segment__is_204_and_then_404(vercel_typescript: TypeScriptClient) -> None:
    created = _create(vercel_typescript)

    deleted = vercel_typescript.call("deleteFlagSegment", _about(created.data["slug"]))

    assert (deleted.status, deleted.data, deleted.error) == (204, None, None)
    for operation in ("getFlagSegment", "deleteFlagSegment"):
        refused = vercel_typescript.call(operation, _about(created.data["id"]))
        _assert_refused(refused, 404, "not_found")


@pytest.mark.parametrize("operation", sorted(_OPERATIONS))
def test_operation__unknown_project_or_token__raises(
    vercel_typescript: TypeScriptClient, operation: str
) -> None:
    bodies = {
        "createFlagSegment": {**_LEAST, "slug": "s"},
        "createSDKKey": {"sdkKeyType": "server", "environment": "p"},
    }
    body = bodies.get(operation, {"label": "L"})
    request = {"segmentIdOrSlug": "s", "hashKey": "h", "requestBody": body}

    for name in ("none", "my proj/é"):
        unknown = vercel_typescript.call(operation, {**request, "projectIdOrName": name})
        _assert_refused(unknown, 404, "not_found")
    refused = vercel_typescript.call(operation, {**request, **_PROJECT}, token="wrong")
    _assert_refused(refused, 401, "unauthorized")


def test_refusals__of_every_kind__raise_with_their_status(
    vercel_typescript: TypeScriptClient,
) -> None:
    inner = _create(vercel_typescript).data
    slug = inner["slug"]
    _create(vercel_typescript, data={"rules": [rule(in_segment(slug))]})

    _assert_refused(_create(vercel_typescript, slug=slug), 409, "conflict")
    _assert_refused(_create(vercel_typescript, slug="not a slug"), 400, "bad_request")
    _assert_refused(vercel_typescript.call("createFlagSegment", _PROJECT), 400, "bad_request")
    deleted = vercel_typescript.call("deleteFlagSegment", _about(slug))
    _assert_refused(deleted, 400, "SEGMENT_IN_USE")
    change = _about(slug, requestBody={"label": "x"})
    stale = {"headers": {"if-match": '"stale"'}}
    refused = vercel_typescript.call("updateFlagSegment", change, stale)
    _assert_refused(refused, 412, "precondition_failed")


def test_sdk_keys__created_listed_and_deleted__are_as_the_client_expects(
    vercel_typescript: TypeScriptClient, vercel: httpx.Client
) -> None:
    with own_project(vercel) as project:
        about = {"projectIdOrName": project.key, "teamId": "team_1"}
        body = {"sdkKeyType": "server", "environment": "production", "label": "web"}
        created = vercel_typescript.call("createSDKKey", {**about, "requestBody": body})
        assert created.status == 200, created
        secret = created.data.pop("keyValue")
        assert secret.startswith("vf_server_")
        assert {"type": "server", **body}.items() - created.data.items() == {
            ("sdkKeyType", "server")
        }
        listed = vercel_typescript.call("getSDKKeys", about)
        assert (listed.status, listed.data) == (200, {"data": [created.data]})
        named = {**about, "hashKey": created.data["hashKey"]}
        deleted = vercel_typescript.call("deleteSDKKey", named)
        assert (deleted.status, deleted.data) == (204, None)
        _assert_refused(vercel_typescript.call("deleteSDKKey", named), 404, "not_found")
        client_key = {**about, "requestBody": {**body, "sdkKeyType": "client"}}
        refused = vercel_typescript.call("createSDKKey", client_key)
        _assert_refused(refused, 400, "bad_request")


def test_settings__read_and_changed__are_as_the_client_expects(
    vercel_typescript: TypeScriptClient, vercel: httpx.Client
) -> None:
    with own_project(vercel) as project:
        about = {"projectIdOrName": project.key}
        before = vercel_typescript.call("getFlagSettings", about)
        assert before.status == 200, before
        assert before.data["typeName"] == "settings"
        labels = [{"label": "Pro", "value": "pro"}]
        attribute = {"key": "plan", "labels": labels, "type": "string"}
        entities = [{"kind": "user", "label": "User", "attributes": [attribute]}]
        body = {"entities": entities, "environments": ["production"], "enabled": False}
        changed = vercel_typescript.call("updateFlagSettings", {**about, "requestBody": body})
        assert changed.status == 200, changed
        assert body.items() <= changed.data.items()
        assert vercel_typescript.call("getFlagSettings", about).data == changed.data
