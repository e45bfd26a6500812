"""Every operation of the served document, asked wrongly: the documented refusal or none."""

import re
from typing import Any

import httpx
import pytest

from api.sdk.application import SDK_KEY_PATHS
from api.vercel import application as vercel
from tests.support.servers.api import PRODUCTION, assert_refused, create_segment
from tests.support.servers.vercel import assert_error
from tests.support.vercel.segments import create

_CODES = {
    400: {"invalid_request"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    409: {"optimistic_locking_error", "key_exists"},
    413: {"request_too_large"},
    415: {"unsupported_media_type"},
}
_VERCEL_CODES = {
    400: {"bad_request"},
    401: {"unauthorized"},  # of what takes an SDK key
    404: {"not_found"},
    405: {"method_unknown"},
    409: {"conflict"},
    413: {"request_too_large"},
    415: {"unsupported_media_type"},
}
#: Of what SDKs and relays ask for with an SDK key, which is no access token.
_SDK_STATUSES = {401, 405}
#: What the paths of Vercel's dialect begin with.
_VERCEL = ("/v1/", "/v2/", "/v9/", "/teams/")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE")
_BODIES = (
    *(b"", b" ", b"{", b'{"key":', b"\xff\xfe", b"null", b"true", b"17", b'"text"', b"{}", b"[]"),
    *(b"[null]", b"[[]]", b"[17]", b"NaN", b'{"key":"\\ud800"}', b"[" * 50_000, b'{"a":' * 50_000),
    b'{"key":5,"name":[],"tags":{},"unbounded":"x","included":7,"excluded":{"add":3}}',
    b'{"patch":7}',
    b'{"patch":[{"op":"no"}]}',
    b'{"merge":[]}',
    b'{"instructions":[{"kind":5}],"environmentKey":"production"}',
    b'{"included":{"add":[1]},"name":{"a":1},"environments":5,"source":7,"mode":[]}',
    b'{"kind":"user","key":17}',
    b'{"slug":[],"label":7,"hint":{},"data":[],"operations":{},"entities":[],"segments":{}}',
    b'{"__proto__":{"x":1},"constructor":{"prototype":7},"data":{"include":{"__proto__":{}}}}',
    b'{"entities":{"__proto__":{"x":[{}]},"constructor":"x"},"seed":1e999}',
)
_TYPES = (
    "application/json",
    "application/json; domain-model=launchdarkly.semanticpatch",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain",
    "?",
)
#: What may take the second type; all others refuse it before they read a body.
_INSTRUCTED = {"PATCH"}
_BAD_KEYS = ("-bad", "k" * 257, "%FF", "a%00b", "%C3%A9", "a%2Fb", "a%20b", "%", "%25", "%2E%2E")
#: A parameter of an operation has every third of them, and the next one those after: they mean
#: the same for all, and each is tried at some ninety.
_KEYS_APART = 3
#: What operations without a body are sent.
_UNREAD = {b"", b"{", b"null", b"[" * 50_000}
_QUERY = {"limit": "x", "offset": "-1", "sort": "?", "filter": "((", "dryRun": "?"}
_UNKNOWN = {"x": "\ud7ff"}


@pytest.fixture(scope="module")
def documented(client: httpx.Client) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything that is served, by its method and template."""
    paths: dict[str, dict[str, Any]] = client.get("/openapi.json").json()["paths"]
    found = {
        (verb.upper(), path): one for path, verbs in paths.items() for verb, one in verbs.items()
    }
    assert len(found) > 20
    return {at: one for at, one in found.items() if not at[1].startswith("/healthz")}


@pytest.fixture(scope="module")
def operations(documented: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[str, str]]:
    """Method and template of everything that is served."""
    return [*documented]


@pytest.fixture(scope="module")
def names(client: httpx.Client) -> dict[str, str]:
    """What stands for the parameters of a path."""
    return {
        "projectKey": PRODUCTION.project,
        "environmentKey": PRODUCTION.environment,
        "segmentKey": create_segment(client),
        "projectIdOrName": PRODUCTION.project,
        "segmentIdOrSlug": create(client)["slug"],
        "teamId": "team_1",
        "side": "include",
        "kind": "user",
        "attribute": "id",
    }


def _path(template: str, names: dict[str, str], method: str = "GET") -> str:
    """An address of something that is there, but for a DELETE, which might succeed."""
    known = {} if method == "DELETE" else names
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "no-such"), template)


def _assert_in_shape(reply: httpx.Response) -> None:
    if reply.is_success:
        return
    status = reply.status_code
    if reply.request.url.path in SDK_KEY_PATHS and not reply.request.url.path.startswith(_VERCEL):
        assert status in _SDK_STATUSES, reply.text
        assert set(reply.json()) == {"message", "id"}
        return
    if reply.request.url.path.startswith(_VERCEL):
        assert status in _VERCEL_CODES, reply.text
        code = reply.json()["error"]["code"]
        assert_error(reply, status, code)
        assert code in _VERCEL_CODES[status]
        return
    assert status in _CODES, reply.text
    assert_refused(reply, status, reply.json()["code"])
    assert reply.json()["code"] in _CODES[status]


@pytest.mark.parametrize("body", _BODIES, ids=range(len(_BODIES)))
def test_any_operation__body_it_cannot_use__is_refused_in_shape(
    client: httpx.Client,
    documented: dict[tuple[str, str], dict[str, Any]],
    names: dict[str, str],
    body: bytes,
) -> None:
    for (method, template), operation in documented.items():
        if method == "GET" or ("requestBody" not in operation and body not in _UNREAD):
            continue
        for kind in _TYPES[: 2 if method in _INSTRUCTED else 1]:
            headers = {"Content-Type": kind}
            path = _path(template, names, method)
            _assert_in_shape(client.request(method, path, content=body, headers=headers))


@pytest.mark.parametrize("body", [b"", b"null", b"[]"])
def test_create__no_object__is_told_what_to_send(client: httpx.Client, body: bytes) -> None:
    segments = f"/api/v2/segments/{PRODUCTION.project}/{PRODUCTION.environment}"
    reply = client.post(segments, content=body, headers={"Content-Type": "application/json"})
    assert "JSON" in assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize("kind", _TYPES)
def test_any_operation__body_of_any_type__is_refused_in_shape(
    client: httpx.Client, operations: list[tuple[str, str]], names: dict[str, str], kind: str
) -> None:
    for method, template in operations:
        if method == "GET" and kind != _TYPES[0]:
            continue  # it reads no body: what it makes of one does not depend on the type
        path = _path(template, names, method)
        reply = client.request(method, path, content=b"--x\r\n\r\n", headers={"Content-Type": kind})
        _assert_in_shape(reply)


def test_any_operation__query_it_cannot_use__is_refused_in_shape(
    client: httpx.Client,
    documented: dict[tuple[str, str], dict[str, Any]],
    names: dict[str, str],
) -> None:
    for (method, template), operation in documented.items():
        taken = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        wrong = [{name: value} for name, value in _QUERY.items() if name in taken]
        for query in (*wrong, _UNKNOWN):
            path = _path(template, names, method)
            _assert_in_shape(client.request(method, path, params=query, json=None))


@pytest.mark.parametrize(("turn", "bad"), [*enumerate(_BAD_KEYS)])
def test_any_operation__bad_resource_key__is_refused_in_shape(
    client: httpx.Client,
    operations: list[tuple[str, str]],
    names: dict[str, str],
    turn: int,
    bad: str,
) -> None:
    places = [
        (method, template, parameter)
        for method, template in operations
        for parameter in re.findall(r"\{(\w+(?:Key|OrName|OrSlug))\}", template)
    ]
    for method, template, parameter in places[turn % _KEYS_APART :: _KEYS_APART]:
        path = _path(template, names | {parameter: bad}, "GET")
        reply = client.request(method, path, json={})
        if parameter in names:
            assert reply.status_code in {404, 405}, (method, path, reply.text)
        _assert_in_shape(reply)


def _leads_to(template: str, path: str) -> bool:
    """Whether the path is one of the template's; ``…/auditlog/counts`` is of two."""
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def test_any_path__other_method__says_which_are_allowed(
    client: httpx.Client, operations: list[tuple[str, str]], names: dict[str, str]
) -> None:
    for template in dict.fromkeys(one for _, one in operations):
        path = _path(template, names)
        served = {method for method, one in operations if _leads_to(one, path)}
        served |= {"OPTIONS"} | ({"HEAD"} if "GET" in served else set())
        for method in set(_METHODS) - served:
            reply = client.request(method, path)
            # No access token gets as far as the method.
            if template in vercel.SDK_KEY_PATHS | SDK_KEY_PATHS:
                assert reply.status_code == 401
                continue
            assert reply.status_code == 405, (method, template)
            assert served <= set(reply.headers["Allow"].split(", ")), template
            if method != "HEAD":
                _assert_in_shape(reply)


@pytest.mark.parametrize(
    "words",
    [
        {"name": "n" * 1_025},
        {"description": "d" * 32_769},
        {"tags": [f"t{number}" for number in range(1_001)]},
    ],
)
def test_segment__words_without_bounds__are_refused(
    client: httpx.Client, words: dict[str, Any]
) -> None:
    segments = f"/api/v2/segments/{PRODUCTION.project}/{PRODUCTION.environment}"
    [field] = words
    new = {"key": "endless", "name": "n", **words}
    assert field in assert_refused(client.post(segments, json=new), 400, "invalid_request")
    one = f"{segments}/{create_segment(client)}"
    patch = [{"op": "add", "path": f"/{field}", "value": words[field]}]
    for change in (words, patch):
        assert field in assert_refused(client.patch(one, json=change), 400, "invalid_request")


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF", b"\xed\xa0\x80"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_any_text__half_of_a_surrogate_pair__is_refused(
    client: httpx.Client, half: bytes, encoding: str
) -> None:
    segments = f"/api/v2/segments/{PRODUCTION.project}/{PRODUCTION.environment}"
    text = b'{"key":"half","name":"n","description":"' + half + b'"}'
    body = text if encoding == "utf-8" else text.decode("latin-1").encode(encoding)
    expiry = "/api/v2/segments/default/none/expiring-targets/production"
    headers = {"Content-Type": "application/json"}
    for method, path in (("POST", segments), ("POST", "/api/v2/tokens"), ("PATCH", expiry)):
        reply = client.request(method, path, content=body, headers=headers)
        assert_refused(reply, 400, "invalid_request")
    assert client.get(segments).status_code == 200  # nothing was kept that cannot be shown
