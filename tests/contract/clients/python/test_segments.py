"""Create, get, list, patch and delete, driven by LaunchDarkly's Python client."""

import json
from collections.abc import Callable, Iterator

import pytest
from launchdarkly_api import ApiClient, SegmentBody, SegmentsApi
from launchdarkly_api.exceptions import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    UnauthorizedException,
)

from tests.support.clients.python_client import (
    ENVIRONMENT,
    PROJECT,
    SEMANTIC,
    as_sent,
    json_patch,
    python_client,
    semantic_patch,
)
from tests.support.servers.api import Api, new_key

RULE = {
    "clauses": [
        {
            "attribute": "plan",
            "op": "in",
            "values": ["gold", 1, 1.5, True, None, {"a": [None]}],
            "negate": False,
        }
    ],
    "weight": 25_000,
    "bucketBy": "email",
}


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def segments(client: ApiClient) -> SegmentsApi:
    return SegmentsApi(client)


def _created(segments: SegmentsApi, *, big: bool = False) -> str:
    key = new_key()
    body = SegmentBody(name="Made by a client", key=key, tags=["a"], unbounded=big)
    reply = segments.post_segment_with_http_info(PROJECT, ENVIRONMENT, body)
    assert (reply.status_code, reply.data.key) == (201, key)
    return key


@pytest.mark.parametrize("big", [False, True])
def test_segment__from_creation_to_deletion__every_answer_is_taken(
    segments: SegmentsApi, big: bool
) -> None:
    key = _created(segments, big=big)
    place = (PROJECT, ENVIRONMENT, key)

    got = segments.get_segment(*place)
    patched = segments.patch_segment(
        *place, json_patch({"op": "replace", "path": "/name", "value": "Renamed"}, comment="why")
    )
    page = segments.get_segments(
        PROJECT, ENVIRONMENT, limit=1, filter=f'includedKeys anyOf ["{key}"]', sort="-name"
    )

    assert (got.version, patched.version) == (1, 2)
    assert (got.name, patched.name) == ("Made by a client", "Renamed")
    assert patched.last_modified_date >= got.last_modified_date
    assert [one.key for one in page.items] == [key]
    assert page.items[0].version == 2
    assert segments.delete_segment_with_http_info(*place).status_code == 204
    with pytest.raises(NotFoundException):
        segments.get_segment(*place)


def test_patch__targets_and_rules__come_back_as_given_in_every_answer(
    segments: SegmentsApi,
) -> None:
    key = _created(segments)
    place = (PROJECT, ENVIRONMENT, key)
    lists = {
        "included": ["b", "a", "b", "é/ %"],
        "excluded": ["c"],
        "includedContexts": [{"contextKind": "device", "values": ["z", "y"]}],
        "excludedContexts": [{"contextKind": "org", "values": ["x"]}],
    }

    reply = segments.patch_segment_with_http_info(
        *place,
        json_patch(
            *(
                {"op": "replace", "path": f"/{name}", "value": value}
                for name, value in lists.items()
            ),
            {"op": "add", "path": "/rules/-", "value": RULE},
        ),
    )

    shown = as_sent(reply)
    assert {name: shown[name] for name in lists} == lists
    rule = shown["rules"][0]
    assert len(rule.pop("_id")) == len(rule["clauses"][0].pop("_id")) == 36
    clause = RULE["clauses"][0] | {"contextKind": "user"}  # type: ignore[index]  # a literal
    expected = RULE | {"clauses": [clause], "rolloutContextKind": "user"}
    assert json.dumps(rule, sort_keys=True) == json.dumps(expected, sort_keys=True)
    shown = as_sent(reply)
    got = as_sent(segments.get_segment_with_http_info(*place))
    assert got.pop("_flags") == []
    chosen = f'includedKeys anyOf ["{key}"]'
    page = as_sent(segments.get_segments_with_http_info(PROJECT, ENVIRONMENT, filter=chosen))
    assert json.dumps(got, sort_keys=True) == json.dumps(shown, sort_keys=True)
    assert shown.pop("_access")["denied"] == []
    assert json.dumps(page["items"], sort_keys=True) == json.dumps([shown], sort_keys=True)


def test_patch__instructions__are_applied_in_order(segments: SegmentsApi) -> None:
    place = (PROJECT, ENVIRONMENT, _created(segments))

    patched = segments.patch_segment(
        *place,
        semantic_patch(
            {"kind": "addTags", "values": ["b"]},
            {"kind": "addIncludedTargets", "contextKind": "user", "values": ["k"]},
            {"kind": "updateName", "value": "Instructed"},
        ),
        _content_type=SEMANTIC,
    )

    assert (patched.name, patched.tags, patched.included) == ("Instructed", ["a", "b"], ["k"])
    assert patched.version == 2


def test_patch__nothing_new__keeps_version_and_date(segments: SegmentsApi) -> None:
    place = (PROJECT, ENVIRONMENT, _created(segments))
    before = segments.get_segment(*place)

    after = segments.patch_segment(
        *place, json_patch({"op": "replace", "path": "/tags", "value": ["a"]})
    )

    assert (after.version, after.last_modified_date) == (1, before.last_modified_date)


def test_patch__dry_run__answers_what_would_be_and_stores_nothing(segments: SegmentsApi) -> None:
    place = (PROJECT, ENVIRONMENT, _created(segments))
    before = as_sent(segments.get_segment_with_http_info(*place))

    would_be = segments.patch_segment(
        *place, json_patch({"op": "add", "path": "/included/-", "value": "k"}), dry_run=True
    )

    assert (would_be.included, would_be.version) == (["k"], 2)
    assert as_sent(segments.get_segment_with_http_info(*place)) == before


@pytest.mark.parametrize(
    ("operation", "error", "code"),
    [
        ({"op": "test", "path": "/version", "value": 9}, ConflictException, "optimistic_locking"),
        ({"op": "remove", "path": "/tags/7"}, BadRequestException, "invalid_request"),
        ({"op": "replace", "path": "/key", "value": "x"}, BadRequestException, "invalid_request"),
        ({"op": "replace", "path": "/name", "value": 1}, BadRequestException, "invalid_request"),
    ],
)
def test_patch__cannot_be_applied__is_refused_and_stores_nothing(
    segments: SegmentsApi, operation: dict[str, object], error: type[Exception], code: str
) -> None:
    place = (PROJECT, ENVIRONMENT, _created(segments))
    before = as_sent(segments.get_segment_with_http_info(*place))
    first = {"op": "replace", "path": "/name", "value": "first"}

    with pytest.raises(error) as refused:
        segments.patch_segment(*place, json_patch(first, operation))

    assert code in str(refused.value)
    assert as_sent(segments.get_segment_with_http_info(*place)) == before


def test_patch__rules_in_a_circle__are_refused_with_the_way(segments: SegmentsApi) -> None:
    first, second = _created(segments), _created(segments)

    def refer(key: str, other: str) -> None:
        clause = {"attribute": "", "op": "segmentMatch", "values": [other], "negate": False}
        patch = {"op": "add", "path": "/rules/-", "value": {"clauses": [clause]}}
        segments.patch_segment(PROJECT, ENVIRONMENT, key, json_patch(patch))

    refer(first, second)
    with pytest.raises(BadRequestException, match=f"{second} -> {first} -> {second}"):
        refer(second, first)


def test_client__errors__are_of_its_own_classes(segments: SegmentsApi, api: Api) -> None:
    key = _created(segments)
    taken = SegmentBody(name="again", key=key)
    calls: list[tuple[type[Exception], Callable[[], object]]] = [
        (ConflictException, lambda: segments.post_segment(PROJECT, ENVIRONMENT, taken)),
        (BadRequestException, lambda: segments.get_segments(PROJECT, ENVIRONMENT, filter="tags")),
        (BadRequestException, lambda: segments.get_segments(PROJECT, ENVIRONMENT, sort="key")),
        (BadRequestException, lambda: segments.get_segments(PROJECT, ENVIRONMENT, limit=1001)),
        (NotFoundException, lambda: segments.get_segments(PROJECT, "none")),
        (NotFoundException, lambda: segments.patch_segment("none", "none", key, json_patch())),
        (NotFoundException, lambda: segments.delete_segment(PROJECT, ENVIRONMENT, "none")),
    ]
    for error, call in calls:
        with pytest.raises(error):
            call()
    with python_client(api, "wrong") as stranger, pytest.raises(UnauthorizedException):
        SegmentsApi(stranger).get_segment(PROJECT, ENVIRONMENT, key)
