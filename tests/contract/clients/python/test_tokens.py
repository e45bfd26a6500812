"""Access tokens, driven by LaunchDarkly's Python client."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    AccessTokenPost,
    AccessTokensApi,
    ApiClient,
    OtherApi,
    PatchOperation,
    SegmentBody,
    SegmentsApi,
    StatementPost,
)
from launchdarkly_api.exceptions import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
)

from tests.support.clients.python_client import as_sent, python_client
from tests.support.servers.api import SEGMENTS, Api, assert_refused, create_segment, new_key
from tests.support.servers.redis import wait_until

_TOKENS = "/api/v2/tokens"
_SPECIFIERS = ["proj/web-*:env/prod:segment/*", "proj/default:env/*:segment/mine-?"]
_FAR_MS = 4_000_000_000_000


@pytest.fixture(scope="module")
def tokens(api: Api) -> Iterator[AccessTokensApi]:
    with python_client(api) as client:
        yield AccessTokensApi(client)


@pytest.fixture(scope="module")
def as_reader(api: Api, tokens: AccessTokensApi) -> Iterator[ApiClient]:
    with python_client(api, _made(tokens, role="reader").token) as client:
        yield client


def _made(tokens: AccessTokensApi, **fields: Any) -> Any:
    return tokens.post_token(AccessTokenPost.model_validate(fields))


def _reset(tokens: AccessTokensApi, token_id: str, **options: Any) -> Any:
    with pytest.warns(DeprecationWarning, match="reset"):  # what the client says of it
        return tokens.reset_token(token_id, **options)


def _inline(*resources: str, **fields: Any) -> StatementPost:
    return StatementPost(effect="allow", actions=["*"], resources=list(resources), **fields)


def _operation(op: str, path: str, value: Any = None) -> PatchOperation:
    return PatchOperation(op=op, path=path, value=value)


def test_token__created__has_the_documented_shape(tokens: AccessTokensApi) -> None:
    before_ms = time.time_ns() // 1_000_000
    body = AccessTokenPost(
        name="nightly",
        description="d",
        role="reader",
        inlineRole=[_inline(*_SPECIFIERS)],
        serviceToken=True,
        defaultApiVersion=20240415,
        expiry=_FAR_MS,
    )

    reply = tokens.post_token_with_http_info(body)

    assert reply.status_code == 201
    assert (reply.headers or {})["Cache-Control"] == "no-store"
    shown = as_sent(reply)
    token_id, secret = shown.pop("_id"), shown.pop("token")
    assert secret.startswith("api-")
    assert len(secret) == 40
    assert before_ms <= shown["creationDate"] == shown.pop("lastModified")
    del shown["creationDate"]
    assert shown == {
        "ownerId": "admin",
        "memberId": "admin",
        "name": "nightly",
        "description": "d",
        "role": "reader",
        "inlineRole": [{"effect": "allow", "actions": ["*"], "resources": _SPECIFIERS}],
        "serviceToken": True,
        "defaultApiVersion": 20240415,
        "expiry": _FAR_MS,
        "_links": {
            "self": {"href": f"{_TOKENS}/{token_id}", "type": "application/json"},
            "parent": {"href": _TOKENS, "type": "application/json"},
        },
    }
    read = as_sent(tokens.get_token_with_http_info(token_id))
    assert read["token"] == secret[-4:]
    assert read.items() >= shown.items()


def test_token__without_a_role__is_a_reader_and_with_an_inline_role_a_writer(
    api: Api,
    tokens: AccessTokensApi,
) -> None:
    """The answer leaves out what an inline role says by itself, as LaunchDarkly's does."""
    assert _made(tokens).role == "reader"
    made = _made(tokens, inlineRole=[_inline("proj/*:env/*:segment/*")])

    assert made.role is None
    with api.client(made.token) as client:
        create_segment(client)
        assert_refused(client.post("/api/v2/projects", json={}), 403, "forbidden")


def test_token__without_a_version__has_the_newest_one(tokens: AccessTokensApi) -> None:
    for given in ({}, {"defaultApiVersion": 0}):
        assert _made(tokens, **given).default_api_version == 20240415
    older = _made(tokens, defaultApiVersion=20191212)

    assert older.default_api_version == 20191212
    removed = tokens.patch_token(older.id, [_operation("remove", "/defaultApiVersion")])
    assert removed.default_api_version == 20240415


def test_token__reset_by_a_body__keeps_the_old_secret_until_then(
    api: Api, tokens: AccessTokensApi
) -> None:
    made = _made(tokens, role="reader")

    with api.client() as admin:
        reply = admin.post(f"{_TOKENS}/{made.id}/reset", json={"expiry": _FAR_MS})
        assert reply.status_code == 200
        for secret in (made.token, reply.json()["token"]):
            with api.client(secret) as one:
                assert one.get(SEGMENTS).is_success
        assert admin.post(f"{_TOKENS}/{made.id}/reset", content=b"null").status_code == 200


def test_caller_identity__of_each_kind_of_token__says_which_it_is(
    api: Api, tokens: AccessTokensApi
) -> None:
    admin = as_sent(OtherApi(tokens.api_client).get_caller_identity_with_http_info())
    assert admin == {
        "authKind": "token",
        "tokenName": "admin token",
        "tokenId": "admin",
        "memberId": "admin",
        "serviceToken": True,
    }
    made = _made(
        tokens,
        name="mine",
        inlineRole=[_inline(_SPECIFIERS[0])],
        expiry=_FAR_MS,
        serviceToken=False,
    )
    with api.client(made.token) as one:
        assert one.get("/api/v2/caller-identity").json() == {
            "authKind": "token",
            "tokenName": "mine",
            "tokenId": made.id,
            "memberId": "admin",
            "serviceToken": False,
            "expiresAt": _FAR_MS,
        }


def test_tokens__listed__are_paged_newest_first(tokens: AccessTokensApi) -> None:
    made = [_made(tokens, name=f"page {n}").id for n in range(3)]
    whole = tokens.get_tokens(limit=1000)
    page = tokens.get_tokens(show_all=True, limit=1, offset=1)

    ids = [one.id for one in whole.items or []]
    assert set(made) <= set(ids)
    assert whole.total_count == page.total_count == len(ids)
    assert [one.id for one in page.items or []] == ids[1:2]
    assert page.links is not None
    assert {"self", "first", "prev", "next", "last"} == set(page.links)
    assert len(tokens.get_tokens().items or []) <= 25


def test_token__patched__is_changed_and_keeps_its_secret(api: Api, tokens: AccessTokensApi) -> None:
    made = _made(tokens, name="old", role="reader")
    changes = [
        _operation("test", "/role", "reader"),
        _operation("replace", "/name", "new"),
        _operation("replace", "/description", "d"),
        _operation("replace", "/role", "writer"),
        _operation("replace", "/expiry", _FAR_MS),
        _operation("add", "/inlineRole/-", _inline(_SPECIFIERS[0]).to_dict()),
    ]

    shown = tokens.patch_token(made.id, changes)

    assert (shown.name, shown.description, shown.role) == ("new", "d", None)
    assert shown.expiry == _FAR_MS
    assert shown.inline_role is not None
    assert shown.inline_role[0].resources == _SPECIFIERS[:1]
    assert shown.token == made.token[-4:]
    with api.client(made.token) as client:
        assert_refused(client.get(SEGMENTS), 403, "forbidden")  # out of the new scope
    removed = [_operation("remove", "/expiry"), _operation("replace", "/inlineRole", [])]
    assert tokens.patch_token(made.id, removed).expiry is None
    with api.client(made.token) as client:
        wait_until(lambda: client.get(SEGMENTS).is_success, "the scope is gone")


def test_token__reset__has_another_secret_and_the_old_one_ends(
    api: Api, tokens: AccessTokensApi
) -> None:
    made = _made(tokens)
    second = _reset(tokens, made.id).token
    third = _reset(tokens, made.id, expiry=time.time_ns() // 1_000_000 + 60_000).token

    assert len({made.token, second, third}) == 3
    for secret, status in ((made.token, 401), (second, 200), (third, 200)):
        with api.client(secret) as client:
            assert client.get(SEGMENTS).status_code == status


def test_token__deleted__is_gone_at_once_in_this_process(api: Api, tokens: AccessTokensApi) -> None:
    made = _made(tokens)
    with api.client(made.token) as client:
        key = "/x/contexts/a"
        assert client.get(SEGMENTS).status_code == 200
        assert_refused(client.get(SEGMENTS + key), 404, "not_found")
        assert tokens.delete_token_with_http_info(made.id).status_code == 204
        assert_refused(client.get(SEGMENTS + key), 401, "unauthorized")
        assert_refused(client.get(SEGMENTS), 401, "unauthorized")


def test_errors__each__is_the_exception_of_its_status(
    tokens: AccessTokensApi, as_reader: ApiClient
) -> None:
    made = _made(tokens)
    with pytest.raises(BadRequestException):
        tokens.post_token(AccessTokenPost(customRoleIds=["ops"]))
    with pytest.raises(BadRequestException):
        tokens.patch_token(made.id, [_operation("replace", "/role", "owner")])
    with pytest.raises(ConflictException):
        tokens.patch_token(made.id, [_operation("test", "/role", "writer")])
    for call in (tokens.get_token, tokens.delete_token, lambda token_id: _reset(tokens, token_id)):
        with pytest.raises(NotFoundException):
            call("000000000000000000000000")
    with pytest.raises(NotFoundException):
        tokens.patch_token("000000000000000000000000", [])
    with pytest.raises(ForbiddenException):
        AccessTokensApi(as_reader).get_tokens()
    as_reader.configuration.api_key["ApiKey"] += "x"
    with pytest.raises(UnauthorizedException):
        AccessTokensApi(as_reader).get_tokens()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"customRoleIds": ["ops"]}, "custom roles"),
        ({"role": "owner"}, "role"),
        ({"inlineRole": [{"effect": "deny", "actions": ["*"], "resources": ["x"]}]}, "effect"),
        ({"inlineRole": [{"effect": "allow", "actions": ["a"], "resources": ["x"]}]}, "role"),
        ({"inlineRole": [{"effect": "allow", "actions": ["*"], "resources": []}]}, "resources"),
        (
            {"inlineRole": [{"effect": "allow", "actions": ["*"], "notResources": ["x"]}]},
            "esources",
        ),
        ({"expiry": 1}, "past"),
        ({"expiry": "2030-01-01"}, "expiry"),
        ({"expiry": 4e12}, "expiry"),
        ({"serviceToken": 1}, "serviceToken"),
        ({"name": "n" * 257}, "name"),
        ({"name": "a\x1b[2J"}, "name"),
        ([], "object"),
    ],
)
def test_create__not_understood__is_refused(client: httpx.Client, body: Any, says: str) -> None:
    reply = client.post(_TOKENS, json=body)

    assert says in assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "*",
        "proj/*",
        "proj/*:env/*",
        "proj/*:env/*:flag/*",
        "proj/a;tag:env/*:segment/*",
        "proj/{a,b}:env/*:segment/*",
        "proj/:env/*:segment/*",
        "env/*:proj/*:segment/*",
        "proj/*:env/*:segment/*:x/*",
        "member/*",
    ],
)
def test_create__other_resources__are_refused(client: httpx.Client, resource: str) -> None:
    statement = {"effect": "allow", "actions": ["*"], "resources": [resource]}

    reply = client.post(_TOKENS, json={"inlineRole": [statement]})

    assert "segment/GLOB" in assert_refused(reply, 400, "invalid_request")


def test_access__of_a_writer_and_a_reader__decodes_in_the_client(
    api: Api, tokens: AccessTokensApi, client: httpx.Client
) -> None:
    writer = _made(tokens, role="writer", inlineRole=[_inline("proj/*:env/*:segment/mine-*")])
    reader = _made(tokens, role="reader")
    with python_client(api, writer.token) as own:
        segments, key = SegmentsApi(own), new_key("mine-x")
        made = segments.post_segment("default", "production", SegmentBody(name="n", key=key))
        assert made.access is not None
        assert made.access.denied == []
        allowed = {one.action: one.reason for one in made.access.allowed}
        assert {"createSegment", "deleteSegment", "updateRules"} <= set(allowed)
        assert allowed["updateName"].role_name == "writer"
        assert allowed["updateName"].resources == ["proj/*:env/*:segment/mine-*"]
        found = segments.get_segments("default", "production")
        assert found.items[0].access is None
    with python_client(api, reader.token) as own:
        access = SegmentsApi(own).get_segment("default", "production", key).access
        assert access is not None
        assert access.allowed == []
        assert {one.reason.effect for one in access.denied} == {"deny"}
    patched = client.patch(f"{SEGMENTS}/{key}", json={"name": "other"}).json()
    assert len(patched["_access"]["allowed"]) == len(allowed)


def test_token__used__is_noted_soon(api: Api, tokens: AccessTokensApi) -> None:
    made = _made(tokens)
    assert made.last_used is None
    with api.client() as admin:
        segment = create_segment(admin)
    with api.client(made.token) as client:
        used_ms = time.time_ns() // 1_000_000
        assert client.get(f"{SEGMENTS}/{segment}/contexts/a").status_code == 200

    wait_until(lambda: tokens.get_token(made.id).last_used is not None, "the use is noted")
    last_used = tokens.get_token(made.id).last_used
    assert last_used is not None
    assert used_ms - 100 <= last_used <= time.time_ns() // 1_000_000


def test_logs__of_all_this__hold_no_secret(api: Api, tokens: AccessTokensApi) -> None:
    made = _made(tokens)
    with api.client(made.token) as client:
        assert client.get(SEGMENTS).is_success

    assert made.token not in api.log
    assert made.token.removeprefix("api-") not in api.log
