"""Bodies that are not segments are refused with the place, and change nothing."""

from typing import Any

import httpx
import pytest

from tests.support.servers.api import Api, running_api
from tests.support.servers.redis import Server
from tests.support.servers.vercel import SEGMENTS, assert_error, vercel_client
from tests.support.vercel.segments import ALL, EMAIL, SPLIT, create, new_slug, rule

LEAST: dict[str, Any] = {"label": "L", "hint": "", "data": {}}


def _condition(**fields: Any) -> dict[str, Any]:
    return {"rules": [rule({"lhs": EMAIL, "cmp": "eq", "rhs": "x", **fields})]}


def _outcome(outcome: Any) -> dict[str, Any]:
    return {"rules": [rule(outcome=outcome)]}


def _target(target: Any) -> dict[str, Any]:
    return {"include": {"user": {"id": [{"value": "ok"}, target]}}}


def _segments(**fields: Any) -> dict[str, Any]:
    return _condition(lhs={"type": "segment"}, **fields)


def _list(*values: Any) -> dict[str, Any]:
    return {"type": "list", "items": [{"value": value} for value in values]}


@pytest.mark.parametrize("missing", ["slug", "label", "hint", "data"])
def test_create__without_a_required_field__is_400(vercel: httpx.Client, missing: str) -> None:
    body = {"slug": new_slug(), **LEAST}
    del body[missing]

    error = assert_error(vercel.put(SEGMENTS, json=body), 400, "bad_request")

    assert error["message"].startswith(f"{missing}: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("slug", slug) for slug in ("", "a b", "ä", "a/b", "a.b", "A" * 513, "a\n", 1, None)],
        *[("label", value) for value in (1, None, [1], "x" * 10_001)],
        *[("hint", 1), ("hint", None), ("description", 1), ("createdBy", {"a": 1})],
        *[("data", [1]), ("data", None), ("data", "{}")],
    ],
)
def test_create__wrong_field__is_400_that_says_which(
    vercel: httpx.Client, field: str, value: Any
) -> None:
    body = {"slug": new_slug(), **LEAST, field: value}

    error = assert_error(vercel.put(SEGMENTS, json=body), 400, "bad_request")

    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"rules": {}}, "data.rules: "),
        ({"rules": [1]}, "data.rules[0]: "),
        ({"rules": [{"conditions": [], "outcome": ALL}]}, "data.rules[0].id: "),
        ({"rules": [{"id": 1, "conditions": [], "outcome": ALL}]}, "data.rules[0].id: "),
        ({"rules": [{"id": "r", "outcome": ALL}]}, "data.rules[0].conditions: "),
        ({"rules": [{"id": "r", "conditions": []}]}, "data.rules[0].outcome: "),
        (_outcome({}), "data.rules[0].outcome: "),
        (_outcome({"type": "some"}), "data.rules[0].outcome: "),
        (_outcome({"type": ["all"]}), "data.rules[0].outcome: "),
        (_outcome({"type": "split"}), "data.rules[0].outcome.base: "),
        (_outcome({**SPLIT, "base": {"type": "segment"}}), "data.rules[0].outcome.base.type: "),
        *[
            (_outcome({**SPLIT, "passPromille": share}), "data.rules[0].outcome.passPromille: ")
            for share in (-1, 100_000.5, "1", True, None)
        ],
        (_condition(cmp="EQ"), "data.rules[0].conditions[0].cmp: "),
        (_condition(cmp=None), "data.rules[0].conditions[0].cmp: "),
        (_condition(lhs="user.email"), "data.rules[0].conditions[0].lhs: "),
        (_condition(lhs={"type": "entity", "kind": "user"}), ".lhs.attribute: "),
        (_condition(lhs={**EMAIL, "kind": 1}), ".lhs.kind: "),
        (_condition(lhs={**EMAIL, "kind": ""}), ".lhs.kind: "),
        (_condition(lhs={**EMAIL, "kind": "constructor"}), ".lhs.kind: "),
        (_condition(lhs={**EMAIL, "attribute": "__proto__"}), ".lhs.attribute: "),
        (_condition(lhs={**EMAIL, "attribute": "x" * 129}), ".lhs: "),
        (_condition(rhs=["a"]), ".rhs: "),
        (_condition(rhs={}), ".rhs: "),
        (_condition(rhs={"type": "list"}), ".rhs.items: "),
        (_condition(rhs={"type": "list", "items": ["a"]}), ".rhs.items: "),
        (_condition(rhs=_list(True)), ".rhs.items: "),  # noqa: FBT003 - JSON
        (_condition(rhs=_list(None)), ".rhs.items: "),
        (_condition(rhs=10**400), ".rhs: "),
        (_condition(rhs=_list(10**400)), ".rhs.items: "),
        (_condition(rhs={"type": "regex", "pattern": "a"}), ".rhs.flags: "),
        (_condition(cmp="regex", rhs={"type": "regex", "pattern": "a", "flags": "ii"}), ".rhs: "),
        (_condition(cmpOptions={"ignoreCase": 1}), ".cmpOptions.ignoreCase: "),
        (_condition(cmpOptions=True), ".cmpOptions: "),
        (_segments(cmp="gt"), "data.rules[0].conditions[0]: "),
        (_segments(cmp="eq", rhs=1), "data.rules[0].conditions[0]: "),
        (_segments(cmp="eq", rhs=_list("a")), "data.rules[0].conditions[0]: "),
        (_segments(cmp="oneOf", rhs="a"), "data.rules[0].conditions[0]: "),
        (_segments(cmp="!oneOf", rhs=_list(1)), "data.rules[0].conditions[0]: "),
        (_segments(cmp="eq", rhs="no-such-segment"), "data.rules[0].conditions[0].rhs: "),
        (_segments(cmp="oneOf", rhs=_list("no-such-segment")), ".rhs.items[0]: "),
        (_target("u1"), "data.include.user.id: item 1 "),
        (_target({"value": 1}), "data.include.user.id: item 1: value "),
        (_target({"value": "x", "note": 1}), "data.include.user.id: item 1: note "),
        ({"include": []}, "data.include: "),
        ({"exclude": {"user": []}}, "data.exclude.user: "),
        ({"exclude": {"user": {"id": {}}}}, "data.exclude.user.id: "),
        ({"include": {"__proto__": {}}}, "data.include.__proto__: "),
        ({"include": {"user": {"toString": []}}}, "data.include.user.toString: "),
        ({"include": {"x" * 129: {"id": []}}}, "data.include: "),
        ({"include": {f"k{n}": {} for n in range(33)}}, "data.include: 33 kinds"),
        ({"include": {"k": {f"a{n}": [] for n in range(33)}}}, "data.include.k: 33 attributes"),
    ],
)
def test_data__of_another_form__is_400_with_the_place(
    vercel: httpx.Client, data: Any, place: str
) -> None:
    slug = create(vercel)["slug"]
    before = vercel.get(f"{SEGMENTS}/{slug}").json()

    for reply in (
        vercel.put(SEGMENTS, json={**LEAST, "slug": new_slug(), "data": data}),
        vercel.patch(f"{SEGMENTS}/{slug}", json={"label": "New", "data": data}),
    ):
        assert place in assert_error(reply, 400, "bad_request")["message"]
    assert vercel.get(f"{SEGMENTS}/{slug}").json() == before


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"label":NaN}',
        b'{"label":1e999}',
        b'{"label":"\\ud800"}',
        b'{"label":"a","label":"b"}',
        b"\xff",
        b"[" * 10_000,
    ],
)
def test_body__that_is_no_object_of_json__is_400(vercel: httpx.Client, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    path = f"{SEGMENTS}/{create(vercel)['slug']}"

    for method, place in (("PUT", SEGMENTS), ("PATCH", path)):
        reply = vercel.request(method, place, content=raw, headers=headers)
        assert_error(reply, 400, "bad_request")


def test_body__of_another_type__is_415(vercel: httpx.Client) -> None:
    reply = vercel.put(SEGMENTS, content=b"{}", headers={"Content-Type": "text/plain"})

    assert_error(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("operation", "place"),
    [
        ("x", "operations[0]: "),
        ({"action": "set"}, "operations[0].action: "),
        ({"field": "rules"}, "operations[0].field: "),
        ({"entity": None}, "operations[0].entity: "),
        ({"attribute": "__proto__"}, "operations[0].attribute: "),
        ({"value": "u1"}, "operations[0].value: "),
        ({"value": {"note": "n"}}, "operations[0].value: "),
    ],
)
def test_operation__of_another_form__is_400_with_the_place(
    vercel: httpx.Client, operation: Any, place: str
) -> None:
    path = f"{SEGMENTS}/{create(vercel)['slug']}"
    sound = {"action": "add", "field": "include", "entity": "user", "attribute": "id"}
    sound["value"] = {"value": "u1"}  # type: ignore[assignment]  # any JSON
    wrong = {**sound, **operation} if isinstance(operation, dict) else operation

    reply = vercel.patch(path, json={"operations": [wrong]})

    assert place in assert_error(reply, 400, "bad_request")["message"]


def test_operations__too_many__are_refused(vercel: httpx.Client) -> None:
    path = f"{SEGMENTS}/{create(vercel)['slug']}"
    place = {"field": "include", "entity": "user", "attribute": "id"}
    operations = [
        {"action": "add", **place, "value": {"value": str(number)}} for number in range(10_000)
    ]

    reply = vercel.patch(path, json={"operations": operations})
    assert len(reply.json()["data"]["include"]["user"]["id"]) == 10_000
    more = vercel.patch(path, json={"operations": [*operations, operations[0]]})
    assert assert_error(more, 400, "bad_request")["message"].startswith("operations: ")


def test_query__unknown_parameter_of_a_change__is_400(vercel: httpx.Client) -> None:
    slug = create(vercel)["slug"]
    body = {**LEAST, "slug": new_slug()}
    for reply in (
        vercel.put(SEGMENTS, json=body, params={"label": "x"}),
        vercel.patch(f"{SEGMENTS}/{slug}", json={}, params={"label": "x"}),
        vercel.delete(f"{SEGMENTS}/{slug}", params={"force": "true"}),
        vercel.get(f"{SEGMENTS}/{slug}", params={"withMetadata": "perhaps"}),
    ):
        assert_error(reply, 400, "bad_request")


def test_bounds__of_settings__are_kept(valkey_server: Server) -> None:
    settings = {
        "VERCEL_SEGMENTS": "2",
        "VERCEL_SEGMENT_BYTES": "2000",
        "VERCEL_PROJECT_BYTES": "4000",
        "VERCEL_RULES": "2",
        "VERCEL_LIST_ITEMS": "2",
        "VERCEL_TARGETS": "2",
    }
    with running_api(valkey_server.url, settings) as running:
        _require_bounds(running)


def _require_bounds(running: Api) -> None:
    with vercel_client(running) as client:
        slug, _ = create(client)["slug"], create(client)
        path = f"{SEGMENTS}/{slug}"
        body = {**LEAST, "slug": new_slug()}
        message = assert_error(client.put(SEGMENTS, json=body), 400, "bad_request")["message"]
        assert "2 segments" in message
        for most, more in (
            ({"rules": [rule()] * 2}, {"rules": [rule()] * 3}),
            (_condition(rhs=_list("a", "b")), _condition(rhs=_list("a", "b", "c"))),
            (_target({"value": "b"}), {"exclude": {"u": {"i": [{"value": "a"}] * 3}}}),
            (_target({"value": "b" * 1_500}), _target({"value": "b" * 2_000})),
        ):
            assert client.patch(path, json={"data": most}).status_code == 200
            assert_error(client.patch(path, json={"data": more}), 400, "bad_request")
        other = client.get(SEGMENTS).json()["data"][1]["id"]
        large = {"data": _target({"value": "c" * 1_900})}
        assert client.patch(path, json=large).status_code == 200
        refused = client.patch(f"{SEGMENTS}/{other}", json=large)
        assert "4,000 bytes" in assert_error(refused, 400, "bad_request")["message"]
