"""What is sent to do harm is refused in shape, soon, and changes nothing."""

from typing import Any

import httpx
import pytest

from api.vercel.segments.bounds import MOST_PATTERN
from tests.support.servers.vercel import SEGMENTS, assert_error
from tests.support.vercel.segments import EMAIL, create, including, new_slug, rule

#: Members of every object of JavaScript.
_INHERITED = ("__proto__", "constructor", "hasOwnProperty", "toString", "__defineGetter__")


def _matching(*patterns: str, flags: str = "", cmp: str = "regex") -> dict[str, Any]:
    conditions = [
        {"lhs": EMAIL, "cmp": cmp, "rhs": {"type": "regex", "pattern": pattern, "flags": flags}}
        for pattern in patterns
    ]
    return {"rules": [rule(*conditions)]}


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("cmp", ["regex", "!regex"])
@pytest.mark.parametrize(
    ("pattern", "flags", "fault"),
    [
        ("(", "", "closing"),
        ("[z-a]", "", "out of order"),
        ("a{2,1}", "", ""),
        (r"(a)\1", "", "back-references"),
        ("(?=a)", "", "look-ahead"),
        ("a{1,100000}", "", "1,000 times"),
        ("(((a{0,99}){0,99}){0,99}){0,99}", "", "repeats too often"),
        ("(" * 9_000 + ")" * 9_000, "", "nested too deeply"),
        (r"\p{L}" * 1_000, "u", "too large"),
        ("a", "ii", "flags"),
        ("a", "uv", "flags"),
        ("a", "x" * 10_000, "flags"),
    ],
)
def test_expression__that_cannot_be_run_safely__is_400_with_the_place(
    vercel: httpx.Client, pattern: str, flags: str, fault: str, cmp: str
) -> None:
    data = _matching("fine", pattern, flags=flags, cmp=cmp)

    reply = vercel.put(SEGMENTS, json={"slug": new_slug(), "label": "", "hint": "", "data": data})

    message = assert_error(reply, 400, "bad_request")["message"]
    assert message.startswith("data.rules[0].conditions["), message
    assert fault in message
    assert len(message) < 500


def test_expressions__of_more_characters_than_are_checked__are_400(vercel: httpx.Client) -> None:
    path = f"{SEGMENTS}/{create(vercel)['slug']}"
    data = _matching(*(f"{number:09}" for number in range(MOST_PATTERN // 9 + 1)))

    reply = vercel.patch(path, json={"data": data})

    assert f"{MOST_PATTERN:,}" in assert_error(reply, 400, "bad_request")["message"]


def test_expression__that_a_backtracking_engine_would_hang_on__is_answered(
    vercel: httpx.Client,
) -> None:
    slug = create(vercel, data=_matching("^(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"))["slug"]
    asked = {"entities": {"user": {"email": "a" * 9_999 + "!"}}, "segments": [slug]}

    reply = vercel.post(f"{SEGMENTS}/evaluate", json=asked)

    assert [one["matched"] for one in reply.json()["data"]] == [False]
    assert reply.json()["errors"] == []


@pytest.mark.parametrize("name", _INHERITED)
def test_name__that_every_object_has__is_400_wherever_it_is_sent(
    vercel: httpx.Client, name: str
) -> None:
    path = f"{SEGMENTS}/{create(vercel, data=including('u1'))['slug']}"
    before = vercel.get(path).json()
    add = {"action": "add", "field": "include", "value": {"value": "u2"}}
    bodies: tuple[dict[str, Any], ...] = (
        {"data": {"include": {name: {"id": []}}}},
        {"data": {"exclude": {"user": {name: []}}}},
        {"data": {"rules": [rule({"lhs": {**EMAIL, "kind": name}, "cmp": "ex"})]}},
        {"operations": [{**add, "entity": name, "attribute": "id"}]},
        {"operations": [{**add, "entity": "user", "attribute": name}]},
    )
    for body in bodies:
        assert_error(vercel.patch(path, json=body), 400, "bad_request")
    upload = {"file": ("list.csv", "u1\n")}
    for kind, attribute in ((name, "id"), ("user", name)):
        place = f"{path}/lists/include/{kind}/{attribute}/imports"
        assert_error(vercel.put(place, files=upload), 400, "bad_request")

    assert vercel.get(path).json() == before


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("PUT", "segments", "data"),
        ("PATCH", "segments/{slug}", "data"),
        ("PATCH", "segments/{slug}", "operations"),
        ("POST", "segments/evaluate", "entities"),
        ("PATCH", "settings", "entities"),
        ("PUT", "sdk-keys", "label"),
        ("PUT", "datafile/definitions", "new-checkout"),
    ],
)
def test_body__nested_a_thousand_times__is_400(
    vercel: httpx.Client, method: str, path: str, field: str
) -> None:
    place = f"/v1/projects/default/feature-flags/{path}".format(slug=create(vercel)["slug"])

    for depth in (100, 1_000, 100_000):
        raw = f'{{"{field}":{"[" * depth}{"]" * depth}}}'
        headers = {"Content-Type": "application/json"}
        reply = vercel.request(method, place, content=raw, headers=headers)

        assert_error(reply, 400, "bad_request")
    assert_error(vercel.request(method, place, json={field: _nested(70)}), 400, "bad_request")
