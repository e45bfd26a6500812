"""``POST …/segments/evaluate``: outcomes, attached lists, lost shards, bounds."""

import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import Api, create_segment, include
from tests.support.servers.vercel import SEGMENTS, assert_error, vercel_client
from tests.support.vercel.lists import attach
from tests.support.vercel.segments import create, in_segment, including, rule
from worker.store import Edit, Store

EVALUATE: Final = f"{SEGMENTS}/evaluate"
USER_ID: Final = {"type": "entity", "kind": "user", "attribute": "id"}
_SPLIT: Final = {"type": "split", "base": USER_ID}


def _evaluate(
    client: httpx.Client, entities: Any, *segments: str, **fields: Any
) -> dict[str, dict[str, Any]]:
    """Give the outcomes by slug, each with its error if it has one."""
    named = {"segments": list(segments)} if segments else {}
    reply = client.post(EVALUATE, json={"entities": entities, **named, **fields})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json()
    assert set(answer) == {"data", "errors"}
    errors = {one["slug"]: one["message"] for one in answer["errors"]}
    found = {}
    for one in answer["data"]:
        assert set(one) == {"id", "slug", "matched", "reason", "ruleId"}
        assert (one["reason"] == "error") == (one["slug"] in errors)
        assert not (one["matched"] and one["slug"] in errors)
        found[one["slug"]] = {**one, "error": errors.get(one["slug"])}
    assert len(found) == len(answer["data"])
    return found


def _user(value: Any, **attributes: Any) -> dict[str, Any]:
    return {"user": {"id": value, **attributes}}


def _decided(outcome: dict[str, Any]) -> tuple[bool, str]:
    return outcome["matched"], outcome["reason"]


def _ends_with(rhs: str) -> dict[str, Any]:
    email = {"type": "entity", "kind": "user", "attribute": "email"}
    return {"lhs": email, "cmp": "endsWith", "rhs": rhs, "cmpOptions": {"ignoreCase": True}}


def test_evaluate__documented_example__decides_as_vercels_evaluator(vercel: httpx.Client) -> None:
    split = {"type": "split", "base": USER_ID, "passPromille": 50_000}
    data = {
        "include": {"user": {"id": [{"value": "u1"}]}},
        "exclude": {"user": {"id": [{"value": "u2"}]}},
        "rules": [rule(_ends_with("@ACME.com"), outcome=split)],
    }
    slug = create(vercel, data=data)["slug"]

    def outcome(entities: Any, seed: int | None = 0) -> tuple[bool, str, str | None]:
        found = _evaluate(vercel, entities, slug, seed=seed)[slug]
        return found["matched"], found["reason"], found["ruleId"]

    mail = "x@acme.com"
    assert outcome(_user("u1")) == (True, "include", None)
    assert outcome(_user("u2", email=mail)) == (False, "exclude", None)
    assert outcome(_user("u3", email=mail)) == (True, "split", "rule_r")
    assert outcome(_user("user_123", email=mail)) == (False, "split", "rule_r")
    assert outcome(_user("user_123", email=mail), 7) == (True, "split", "rule_r")
    assert outcome({"user": {"email": mail}}) == (False, "split", "rule_r")
    assert outcome({}) == outcome(None) == (False, "fallthrough", None)
    assert outcome(_user("u3", email=mail), None) == (True, "split", "rule_r")


def test_evaluate__half_of_a_surrogate_pair__is_a_value_like_any_other(
    vercel: httpx.Client, store: Store
) -> None:
    half, first_to_pass = "\\ud800", 45_944  # XXH32 of U+FFFD is 1973258321
    splits = [
        create(vercel, data={"rules": [rule(outcome={**_SPLIT, "passPromille": share})]})["slug"]
        for share in (first_to_pass - 1, first_to_pass)
    ]
    listed = create(vercel)["slug"]
    attach(vercel, store, listed, members=["u1"])
    body = f'{{"entities":{{"user":{{"id":"{half}"}}}},"segments":{json.dumps([*splits, listed])}}}'
    headers = {"Content-Type": "application/json"}

    reply = vercel.post(EVALUATE, content=body.encode(), headers=headers)

    assert reply.status_code == 200, reply.text
    assert [one["matched"] for one in reply.json()["data"]] == [False, True, False]
    assert reply.json()["errors"] == []
    unknown = vercel.post(EVALUATE, content=f'{{"segments":["{half}"]}}'.encode(), headers=headers)
    assert_error(unknown, 404, "not_found")


def test_evaluate__all_or_those_named__by_id_or_slug(vercel: httpx.Client) -> None:
    first, second = create(vercel, data=including("u1")), create(vercel, data=including("u2"))

    found = _evaluate(vercel, _user("u1"))
    assert _decided(found[first["slug"]]) == (True, "include")
    assert _decided(found[second["slug"]]) == (False, "fallthrough")
    assert list(found).index(first["slug"]) < list(found).index(second["slug"])
    named = _evaluate(vercel, _user("u2"), second["id"], first["slug"], second["slug"])
    assert list(named) == [second["slug"], first["slug"]]
    assert named[second["slug"]]["id"] == second["id"]
    assert _evaluate(vercel, {}, segments=[]) == {}
    error = assert_error(vercel.post(EVALUATE, json={"segments": ["none"]}), 404, "not_found")
    assert "none" in error["message"]


def test_evaluate__changed_segment__is_evaluated_as_it_is_now(vercel: httpx.Client) -> None:
    slug = create(vercel, data=including("u1"))["slug"]
    assert _evaluate(vercel, _user("u2"), slug)[slug]["matched"] is False
    vercel.patch(f"{SEGMENTS}/{slug}", json={"data": including("u2")})
    assert _evaluate(vercel, _user("u2"), slug)[slug]["matched"] is True
    vercel.delete(f"{SEGMENTS}/{slug}")
    assert_error(vercel.post(EVALUATE, json={"segments": [slug]}), 404, "not_found")


def test_evaluate__where_vercels_code_throws__is_an_error_of_those_that_reach_it(
    vercel: httpx.Client,
) -> None:
    inner = create(vercel, data={"rules": [rule(_ends_with("x"))]})["slug"]
    outer = create(vercel, data={"rules": [rule(in_segment(inner))]})["slug"]
    apart = create(vercel, data={"rules": [rule()]})["slug"]
    found = _evaluate(vercel, {"user": "primitive"}, inner, outer, apart)
    assert found[inner]["error"]
    assert found[outer]["error"]
    assert _decided(found[apart]) == (True, "rule")


def test_evaluate__attached_lists__are_asked_beside_the_entries(
    vercel: httpx.Client, store: Store
) -> None:
    slug = create(vercel, data={**including("inline"), "rules": [rule(_ends_with("@a"))]})["slug"]
    other = create(vercel, data={"rules": [rule(in_segment(slug))]})["slug"]
    attach(vercel, store, slug, "include/user/id", ["u1", "both", "é"])
    attach(vercel, store, slug, "exclude/user/id", ["out", "both"])
    attach(vercel, store, slug, "include/team/name", ["red"])

    def outcome(entities: Any) -> tuple[bool, str]:
        found = _evaluate(vercel, entities, slug, other)
        assert found[slug]["matched"] == found[other]["matched"]
        return _decided(found[slug])

    assert outcome(_user("inline")) == (True, "include")
    assert outcome(_user("u1")) == (True, "include_list")
    assert outcome(_user("é")) == (True, "include_list")
    assert outcome(_user("both")) == (True, "include_list")
    assert outcome(_user("out", email="x@a")) == (False, "exclude_list")
    assert outcome({**_user("out"), "team": {"name": "red"}}) == (True, "include_list")
    assert outcome(_user("U1")) == (False, "fallthrough")
    assert outcome(_user("u3", email="x@a")) == (True, "rule")
    # Only strings match, and what no import takes is in no list.
    for value in (1, True, None, ["u1"], {"u1": 1}, "", " ", "u1\n", "x" * 1_025):
        assert outcome(_user(value)) == (False, "fallthrough"), value


def test_evaluate__list_changed_or_taken_away__answers_as_it_is_now(
    vercel: httpx.Client, store: Store
) -> None:
    slug = create(vercel)["slug"]
    ref = attach(vercel, store, slug, members=["u1"])
    assert _evaluate(vercel, _user("u1"), slug)[slug]["matched"] is True
    store.memberships.edit(ref, [Edit("i-", "u1")])
    assert _evaluate(vercel, _user("u1"), slug)[slug]["matched"] is False
    store.memberships.edit(ref, [Edit("i+", "u1")])
    assert vercel.delete(f"{SEGMENTS}/{slug}/lists/include/user/id").status_code == 204
    assert _decided(_evaluate(vercel, _user("u1"), slug)[slug]) == (False, "fallthrough")


@pytest.mark.parametrize("lost", ["shard", "record", "shards_of_the_other"])
def test_evaluate__part_of_a_list_is_lost__is_an_error_and_never_a_no(
    vercel: httpx.Client, store: Store, lost: str
) -> None:
    slug = create(vercel, data=including("inline"))["slug"]
    user = create(vercel, data={"rules": [rule(in_segment(slug, cmp="!eq"))]})["slug"]
    apart = create(vercel, data=including("u1"))["slug"]
    ref = attach(vercel, store, slug, members=["u1"])
    attach(vercel, store, slug, "exclude/user/id", ["out"])
    assert _evaluate(vercel, _user("u1"), slug)[slug]["matched"] is True
    keys = store.keyspace
    if lost == "record":
        store.client.unlink(keys.list_record(ref))
    else:
        live = store.memberships.state(ref).live
        for index in range(live.shard_count("included")):
            store.client.unlink(keys.shard(ref, live.name, "included", index))
    asked = "out" if lost == "shards_of_the_other" else "u1"

    found = _evaluate(vercel, _user(asked), slug, user, apart)

    assert _decided(found[slug]) == _decided(found[user]) == (False, "error")
    assert "include list" in found[slug]["error"]
    assert found[apart]["error"] is None
    assert _decided(_evaluate(vercel, _user("inline"), slug)[slug]) == (True, "include")
    assert _decided(_evaluate(vercel, _user(7), slug)[slug]) == (False, "fallthrough")
    assert vercel.delete(f"{SEGMENTS}/{user}").status_code == 204
    assert vercel.delete(f"{SEGMENTS}/{slug}").status_code == 204


def test_evaluate__lists_of_the_other_dialect__are_others(
    vercel: httpx.Client, client: httpx.Client
) -> None:
    slug = create(vercel)["slug"]
    create_segment(client, slug)
    include(client, slug, "u1")
    assert _evaluate(vercel, _user("u1"), slug)[slug]["matched"] is False


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'{"entities":[]}', 400, "bad_request"),
        (b'{"entities":{},"segment":["x"]}', 400, "bad_request"),
        (b'{"seed":"1"}', 400, "bad_request"),
        (b'{"seed":true}', 400, "bad_request"),
        (b'{"seed":1e300}', 400, "bad_request"),
        (b'{"seed":99999999999999999999}', 400, "bad_request"),
        (b'{"segments":"x"}', 400, "bad_request"),
        (b'{"segments":[1]}', 400, "bad_request"),
        (b'{"segments":[' + b'"a-segment-of-a-test",' * 10_000 + b'""]}', 400, "bad_request"),
        (b'{"entities":{"user":{"id":NaN}}}', 400, "bad_request"),
        (b'{"entities":' + b'{"a":' * 70 + b"1" + b"}" * 71, 400, "bad_request"),
        (b'{"entities":{"user":{"id":"' + b"x" * 600_000 + b'"}}}', 413, "request_too_large"),
    ],
)
def test_evaluate__wrong_body__is_refused(
    vercel: httpx.Client, body: bytes, status: int, code: str
) -> None:
    reply = vercel.post(EVALUATE, content=body, headers={"Content-Type": "application/json"})
    assert_error(reply, status, code)


def test_evaluate__body_of_another_type__is_415(vercel: httpx.Client) -> None:
    reply = vercel.post(EVALUATE, content=b"{}", headers={"Content-Type": "text/plain"})
    assert_error(reply, 415, "unsupported_media_type")


def test_evaluate__scope__shows_what_is_in_it(api: Api, client: httpx.Client) -> None:
    with vercel_client(api) as vercel:
        other = create(vercel, data=including("u1"))["slug"]
        mine = create(vercel, data={"rules": [rule(in_segment(other))]})["slug"]
    resources = [f"proj/default:env/*:segment/{mine}"]
    statement = {"effect": "allow", "actions": ["*"], "resources": resources}
    body = {"name": "of a test", "role": "reader", "inlineRole": [statement]}
    secret = client.post("/api/v2/tokens", json=body).json()["token"]
    with vercel_client(api, secret) as reader:
        found = _evaluate(reader, _user("u1"))
        assert list(found) == [mine]
        assert found[mine]["matched"] is True  # what it refers to is evaluated all the same
        for name in (other, "none"):
            assert_error(reader.post(EVALUATE, json={"segments": [name]}), 403, "forbidden")


def test_evaluate__heavy__is_done_by_the_child_with_the_same_outcomes(
    api: Api, vercel: httpx.Client, store: Store
) -> None:
    numbers = {"type": "entity", "kind": "user", "attribute": "numbers"}
    wanted = {"type": "list", "items": [{"value": 7}]}
    condition = {"lhs": numbers, "cmp": "containsAnyOf", "rhs": wanted}
    large = create(vercel, data={"rules": [rule(condition)]})["slug"]
    listed = create(vercel)["slug"]
    attach(vercel, store, listed, members=["u1"])

    before = _children(api)  # of other tests: it is kept
    light = _evaluate(vercel, _user("u1", numbers=[7]), large, listed)
    assert _children(api) == before
    heavy = _evaluate(vercel, _user("u1", numbers=[1] * 120_000 + [7]), large, listed)

    assert heavy == light
    assert _decided(heavy[large]) == (True, "rule")
    assert _decided(heavy[listed]) == (True, "include_list")
    (child,) = _children(api)
    assert "api.vercel.evaluations.heavy_program" in child


def _children(api: Api) -> list[str]:
    """Give the command lines of the child processes that evaluate for this dialect."""
    pid = api.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in children]
    return [line for line in lines if "vercel" in line]
