"""Many contexts in several segments at once: the answers of single look-ups, or none."""

import io
import json
import random
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pytest

from api.launchdarkly.application import HEAVY_PROGRAMS
from api.launchdarkly.memberships.bulk_requests import CHILD, SMALL_BYTES, SMALL_PAIRS
from tests.support.servers.api import SEGMENTS, TOKEN, Api, assert_refused, create_segment, include
from tests.support.systems.up import children_of
from worker.store import INCLUDED, Edit, EnvironmentRef, Store

_PATH = f"{SEGMENTS}/memberships"
_ARROW = "application/vnd.apache.arrow.stream"
#: Every packed form, and text that JSON and CSV write in several ways.
_KEYS = (
    *("a/b", "..", 'say "hi", bob', "é 👩‍👩‍👧", "x" * 1024, "1234567890123456", "7"),
    *("0189ab89-8e7f-7cc3-98c4-dc0c0c07398f", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "deadbeefdeadbeef"),
)


@pytest.fixture(scope="module")
def segments(client: httpx.Client, store: Store) -> tuple[str, str]:
    """One with members of both lists, one with included ones alone."""
    both, plain = create_segment(client), create_segment(client)
    include(client, both, *_KEYS)
    include(client, plain, *_KEYS[::2])
    ref = store.segments.get(EnvironmentRef("default", "production"), both).ref
    store.memberships.edit(ref, [Edit("e+", key) for key in (*_KEYS[:3], "out")])
    return both, plain


def _ask(client: httpx.Client, segments: Any, contexts: Any, **headers: str) -> httpx.Response:
    return client.post(
        _PATH, json={"segments": segments, "contexts": contexts}, headers=dict(headers)
    )


def _word(client: httpx.Client, segment: str, key: str) -> str:
    one = client.post(f"{SEGMENTS}/{segment}/contexts/lookup", json={"key": key}).json()
    if one["included"]:
        return "included"
    return "excluded" if one["excluded"] else "unknown"


def test_bulk__every_form_of_key__is_answered_as_a_single_look_up_is(
    client: httpx.Client, segments: tuple[str, str]
) -> None:
    contexts = [*_KEYS, "out", "stranger", *_KEYS[:2]]

    reply = _ask(client, list(segments), contexts)

    assert reply.status_code == 200, reply.text
    answers = {one["key"]: one["answers"] for one in reply.json()["segments"]}
    assert answers == {
        segment: [_word(client, segment, key) for key in contexts] for segment in segments
    }
    of_both = dict(zip(contexts, answers[segments[0]], strict=True))
    assert of_both[_KEYS[0]] == "included", "it is in both lists: included wins"
    assert of_both["out"] == "excluded"
    assert of_both["stranger"] == "unknown"


def test_bulk__arrow__holds_the_same_as_json(
    client: httpx.Client, segments: tuple[str, str]
) -> None:
    contexts = [*_KEYS, "out", "stranger"]  # of the first segment: in both, in each, in neither

    told = _ask(client, list(segments), contexts).json()["segments"]
    reply = _ask(client, list(segments), contexts, Accept=f"{_ARROW}, application/json;q=0.5")

    assert reply.headers["content-type"] == _ARROW
    table = pa.ipc.open_stream(io.BytesIO(reply.content)).read_all()
    assert table.schema.names == ["context", *segments]
    assert table.column(0).to_pylist() == contexts
    for number, one in enumerate(told, 1):
        assert table.column(number).to_pylist() == one["answers"]
        facts = table.schema.field(number).metadata or {}
        assert facts[b"revision"] == str(one["revision"]).encode()
        assert int(facts[b"asOf"]) >= one["asOf"]


def test_bulk__more_keys_than_a_step__are_answered_in_their_order(
    client: httpx.Client, store: Store
) -> None:
    segment = create_segment(client)
    ref = store.segments.get(EnvironmentRef("default", "production"), segment).ref
    numbers = random.Random(7).sample(range(10**15), 6_000)
    keys = [f"{number:015}-{'long' * (number % 90)}" for number in numbers]
    store.memberships.edit(ref, [Edit("i+", key) for key in keys[::3]])

    reply = _ask(client, [segment], keys)

    (one,) = reply.json()["segments"]
    assert one["answers"] == [
        "included" if place % 3 == 0 else "unknown" for place in range(len(keys))
    ]


def test_bulk__large_call__is_answered_as_a_small_one_is(
    client: httpx.Client, segments: tuple[str, str]
) -> None:
    contexts = [*_KEYS, "out", "stranger"]
    many = [*contexts, *(f"stranger-{number}" for number in range(SMALL_PAIRS))]
    assert len(json.dumps(many)) > SMALL_BYTES

    small = _ask(client, list(segments), contexts).json()["segments"]
    large = _ask(client, list(segments), many)
    arrow = _ask(client, list(segments), many, Accept=_ARROW)

    assert large.headers["content-type"] == "application/json"
    assert [one["answers"][: len(contexts)] for one in large.json()["segments"]] == [
        one["answers"] for one in small
    ]
    table = pa.ipc.open_stream(io.BytesIO(arrow.content)).read_all()
    assert table.column(0).to_pylist() == many
    for number, one in enumerate(large.json()["segments"], 1):
        assert set(one["answers"][len(contexts) :]) == {"unknown"}
        assert table.column(number).to_pylist() == one["answers"]


def test_bulk__few_bytes_that_ask_for_many_answers__are_a_large_call(
    client: httpx.Client, api: Api, segments: tuple[str, str]
) -> None:
    contexts = [f"{number}" for number in range(SMALL_PAIRS // 2 + 1)]

    reply = _ask(client, list(segments), contexts)

    assert len(reply.request.content) < SMALL_BYTES
    assert [len(one["answers"]) for one in reply.json()["segments"]] == [len(contexts)] * 2
    children = map(psutil.Process, children_of(api.process.pid))
    assert HEAVY_PROGRAMS[CHILD] in {each.cmdline()[-1] for each in children}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"{", "not JSON", id="half"),
        pytest.param(b"[]", "must be a JSON object", id="array"),
        pytest.param(b'{"segments":["%s"]}', "contexts", id="no contexts"),
        pytest.param(b'{"segments":["%s"],"contexts":[]}', "contexts", id="none"),
        pytest.param(b'{"segments":[],"contexts":["a"]}', "segments", id="no segment"),
        pytest.param(b'{"segments":["%s"],"contexts":["a",1]}', "contexts.1", id="number"),
        pytest.param(b'{"segments":["%s"],"contexts":[null]}', "contexts.0", id="null"),
        pytest.param(b'{"segments":["%s"],"contexts":["a",""]}', "contexts[1]", id="empty"),
        pytest.param(b'{"segments":["%s"],"contexts":["a\\u0000"]}', "control", id="control"),
        pytest.param(b'{"segments":["%s"],"contexts":["a\\u0085"]}', "control", id="c1"),
        pytest.param(b'{"segments":["%s"],"contexts":["\\ud800"]}', "surrogate", id="half pair"),
        pytest.param(b'{"segments":["%s"],"contexts":["\xff"]}', "UTF-8", id="not UTF-8"),
        pytest.param(
            b'{"segments":["%s"],"contexts":["' + b"x" * 1_025 + b'"]}', "1,024", id="long"
        ),
        pytest.param(b'{"segments":["%s"],"contexts":["a"],"kind":"user"}', "kind", id="field"),
        pytest.param(
            b'{"segments":["%s"],"contexts":["a"],"contexts":["b"]}', "two members", id="twice"
        ),
        pytest.param(b'{"segments":["%s","%s"],"contexts":["a"]}', "twice", id="same segment"),
        pytest.param(
            b'{"segments":["%s"],"contexts":[' + b'"",' * SMALL_BYTES + b"1]}",
            f"contexts.{SMALL_BYTES}",
            id="number in a large body",
        ),
        pytest.param(
            b'{"segments":["%s"],"contexts":[' + b'"a",' * 100_000 + b'"a"]}',
            "100",
            id="too many",
        ),
    ],
)
def test_bulk__body_that_asks_wrongly__is_an_invalid_request(
    client: httpx.Client, segments: tuple[str, str], content: bytes, said: str
) -> None:
    content = content.replace(b"%s", segments[0].encode())

    reply = client.post(_PATH, content=content, headers={"Content-Type": "application/json"})

    assert_refused(reply, 400, "invalid_request")
    assert said in reply.json()["message"]


def test_bulk__segment_that_cannot_be_asked__refuses_all_and_is_named(
    client: httpx.Client, segments: tuple[str, str]
) -> None:
    standard = f"{segments[0]}-standard"
    client.post(SEGMENTS, json={"key": standard, "name": "s"}).raise_for_status()
    scoped = client.post(
        "/api/v2/tokens",
        json={
            "name": "one",
            "inlineRole": [
                {
                    "effect": "allow",
                    "actions": ["*"],
                    "resources": [f"proj/*:env/*:segment/{segments[0]}"],
                }
            ],
        },
    ).json()["token"]

    absent = _ask(client, [segments[0], "no-such-segment"], ["a"])
    ordinary = _ask(client, [segments[0], standard], ["a"])
    forbidden = _ask(client, list(segments), ["a"], Authorization=scoped)
    many = ["a"] * (SMALL_PAIRS + 1)
    large = _ask(client, [segments[0], "no-such-segment"], many)
    forbidden_large = _ask(client, list(segments), many, Authorization=scoped)

    assert_refused(absent, 404, "not_found")
    assert "no-such-segment" in absent.json()["message"]
    assert_refused(large, 404, "not_found")
    assert large.json()["message"] == absent.json()["message"]
    assert_refused(ordinary, 400, "invalid_request")
    assert standard in ordinary.json()["message"]
    assert_refused(forbidden, 403, "forbidden")
    assert_refused(forbidden_large, 403, "forbidden")
    assert _ask(client, [segments[0]], ["a"], Authorization=scoped).status_code == 200


@pytest.mark.parametrize("side", ["included", "excluded"])
def test_bulk__shard_lost__is_unavailable_and_never_a_no(
    client: httpx.Client, store: Store, side: str
) -> None:
    segment = create_segment(client)
    ref = store.segments.get(EnvironmentRef("default", "production"), segment).ref
    keys = [f"key-{number}" for number in range(200)]
    store.memberships.edit(ref, [Edit("i+" if side == INCLUDED else "e+", key) for key in keys])
    live = store.memberships.state(ref).live
    raw: Any = store.client
    raw.delete(store.keyspace.shard(ref, live.name, side, 3))  # type: ignore[arg-type]

    reply = _ask(client, [segment], keys)
    large = _ask(client, [segment], keys * (SMALL_PAIRS // len(keys) + 1))

    for one in (reply, large):
        assert_refused(one, 503, "service_unavailable")
        assert "not whole" in one.json()["message"]


def test_bulk__without_token__is_unauthorized(api: Api) -> None:
    with httpx.Client(base_url=api.url) as stranger:
        reply = stranger.post(_PATH, content=json.dumps({"segments": ["a"], "contexts": ["b"]}))

    assert_refused(reply, 401, "unauthorized")
    assert TOKEN not in reply.text
