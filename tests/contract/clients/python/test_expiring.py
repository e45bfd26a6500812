"""Expiring targets, driven by LaunchDarkly's Python client."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    ApiClient,
    PatchSegmentExpiringTargetInputRep,
    PatchSegmentRequest,
    SegmentsApi,
)
from launchdarkly_api.exceptions import (
    BadRequestException,
    NotFoundException,
    UnauthorizedException,
)

from tests.support.clients.python_client import (
    ENVIRONMENT,
    PROJECT,
    SEMANTIC,
    json_patch,
    python_client,
)
from tests.support.servers.api import SEGMENTS, Api, create_segment, include, new_key

#: A year from now; nothing expires while the tests run, and no worker does either.
LATER = int(time.time() * 1000) + 365 * 86_400_000
KEY = "org/ä b%#1"


@pytest.fixture(scope="module")
def python(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def segments(python: ApiClient) -> SegmentsApi:
    return SegmentsApi(python)


def _place(key: str) -> tuple[str, str, str]:
    return PROJECT, ENVIRONMENT, key


def _target(client: httpx.Client, *, big: bool) -> str:
    """Create a segment that includes two users."""
    key = create_segment(client, big=big)
    if big:
        include(client, key, KEY, "b")
    else:
        patch = [{"op": "add", "path": "/included", "value": [KEY, "b"]}]
        assert client.patch(f"{SEGMENTS}/{key}", json=patch).is_success
    return key


def _contexts(*instructions: dict[str, Any]) -> PatchSegmentExpiringTargetInputRep:
    body = PatchSegmentExpiringTargetInputRep.from_dict(
        {"comment": "why", "instructions": list(instructions)}
    )
    assert body is not None
    return body


def _users(*instructions: dict[str, Any]) -> PatchSegmentRequest:
    body = PatchSegmentRequest.from_dict({"comment": "why", "instructions": list(instructions)})
    assert body is not None
    return body


def _context(kind: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    defaults = {"contextKey": key, "contextKind": "user", "targetType": "included"}
    return {"kind": kind, **defaults, **more}


def _user(kind: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "userKey": key, "targetType": "included", **more}


def _messages(reply: Any) -> dict[int, str]:
    return {one.instruction_index: one.message for one in reply.errors or ()}


@pytest.mark.parametrize("big", [False, True])
def test_contexts__added_updated_removed__every_answer_is_taken(
    segments: SegmentsApi, client: httpx.Client, big: bool
) -> None:
    place = _place(_target(client, big=big))

    added = segments.patch_expiring_targets_for_segment_with_http_info(
        *place,
        _contexts(
            _context("addExpiringTarget", value=LATER),
            _context("addExpiringTarget", "b", value=LATER - 1),
        ),
    )
    assert added.status_code == 200
    figures = added.data
    assert (figures.total_instructions, figures.successful_instructions) == (2, 2)
    assert (figures.failed_instructions, figures.errors) == (0, None)
    got = segments.get_expiring_targets_for_segment(*place)
    assert got.items == figures.items
    assert [one.context_key for one in got.items] == ["b", KEY]
    item = got.items[1]
    assert (item.expiration_date, item.version, item.context_kind) == (LATER, 1, "user")
    assert (item.target_type, len(item.id)) == ("included", 24)
    resource = item.resource_id
    assert (resource.kind, resource.key) == ("segment", place[2])
    assert (resource.project_key, resource.environment_key) == place[:2]
    assert got.links is not None
    assert got.links["self"].href == (
        f"/api/v2/segments/{PROJECT}/{place[2]}/expiring-targets/{ENVIRONMENT}"
    )

    changed = segments.patch_expiring_targets_for_segment(
        *place,
        _contexts(
            _context("updateExpiringTarget", value=LATER + 5, version=1),
            _context("removeExpiringTarget", "b"),
        ),
        _content_type=SEMANTIC,
    )
    assert [(one.context_key, one.version) for one in changed.items] == [(KEY, 2)]
    assert changed.items[0].expiration_date == LATER + 5
    assert changed.items[0].id == item.id


@pytest.mark.parametrize("big", [False, True])
def test_contexts__instructions_that_cannot_be__fail_alone(
    segments: SegmentsApi, client: httpx.Client, big: bool
) -> None:
    place = _place(_target(client, big=big))
    reply = segments.patch_expiring_targets_for_segment(
        *place,
        _contexts(
            _context("addExpiringTarget", "stranger", value=LATER),
            _context("addExpiringTarget", targetType="excluded", value=LATER),
            _context("addExpiringTarget", contextKind="device", value=LATER),
            _context("addExpiringTarget", value=1),
            _context("addExpiringTarget", value=LATER),
            _context("addExpiringTarget", value=LATER),
            _context("updateExpiringTarget", value=LATER, version=9),
            _context("updateExpiringTarget", "b", value=LATER),
            _context("removeExpiringTarget", "b"),
        ),
    )
    assert (reply.successful_instructions, reply.failed_instructions) == (1, 8)
    assert sorted(_messages(reply)) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert "time" in _messages(reply)[3]
    assert "version" in _messages(reply)[6]
    assert [(one.context_key, one.version) for one in reply.items] == [(KEY, 1)]


@pytest.mark.parametrize("big", [False, True])
def test_users__added_updated_removed__versions_are_the_segments(
    segments: SegmentsApi, client: httpx.Client, big: bool
) -> None:
    place = _place(_target(client, big=big))
    patch = segments.patch_expiring_user_targets_for_segment

    added = patch(*place, _users(_user("addExpireUserTargetDate", value=LATER)))
    assert [one.user_key for one in added.items] == [KEY]
    got = segments.get_expiring_user_targets_for_segment(*place)
    assert got.items == added.items
    both = segments.get_expiring_targets_for_segment(*place).items
    assert [(one.id, one.context_kind) for one in both] == [(got.items[0].id, "user")]

    version = segments.get_segment(*place).version
    update = _user("updateExpireUserTargetDate", value=LATER + 1)
    wrong = patch(*place, _users(update | {"version": version + 1}))
    assert list(_messages(wrong)) == [0]
    right = patch(*place, _users(update | {"version": version}), _content_type=SEMANTIC)
    assert [(one.expiration_date, one.version) for one in right.items] == [(LATER + 1, 2)]

    removed = patch(*place, _users(_user("removeExpireUserTargetDate")))
    assert removed.items == []


def test_users__contexts_of_other_kinds__are_not_shown(
    segments: SegmentsApi, client: httpx.Client
) -> None:
    place = _place(create_segment(client, big=False))
    entry = {"contextKind": "device", "values": ["d"]}
    segments.patch_segment(
        *place, json_patch({"op": "add", "path": "/excludedContexts/-", "value": entry})
    )
    instruction = _context(
        "addExpiringTarget", "d", contextKind="device", targetType="excluded", value=LATER
    )
    reply = segments.patch_expiring_targets_for_segment(*place, _contexts(instruction))
    assert [one.context_kind for one in reply.items] == ["device"]
    assert segments.get_expiring_user_targets_for_segment(*place).items == []


def test_standard__target_dropped_by_a_patch__takes_its_date_along(
    segments: SegmentsApi, client: httpx.Client
) -> None:
    place = _place(_target(client, big=False))
    segments.patch_expiring_targets_for_segment(
        *place,
        _contexts(
            _context("addExpiringTarget", value=LATER),
            _context("addExpiringTarget", "b", value=LATER),
        ),
    )
    for included in (["b"], ["b", KEY]):
        patch = {"op": "replace", "path": "/included", "value": included}
        segments.patch_segment(*place, json_patch(patch))
    assert [one.context_key for one in segments.get_expiring_targets_for_segment(*place).items] == [
        "b"
    ]


def test_big__key_removed_and_added_again__starts_without(
    segments: SegmentsApi, client: httpx.Client
) -> None:
    place = _place(_target(client, big=True))
    segments.patch_expiring_targets_for_segment(
        *place, _contexts(_context("addExpiringTarget", value=LATER))
    )
    include(client, place[2], KEY)
    assert len(segments.get_expiring_targets_for_segment(*place).items) == 1
    body = {"included": {"remove": [KEY]}}
    assert client.post(f"{SEGMENTS}/{place[2]}/contexts", json=body).status_code == 204
    include(client, place[2], KEY)
    assert segments.get_expiring_targets_for_segment(*place).items == []


def test_standard__with_dates__shows_nothing_of_them(client: httpx.Client) -> None:
    key = _target(client, big=False)
    path = f"/api/v2/segments/default/{key}/expiring-targets/production"
    before = client.get(f"{SEGMENTS}/{key}").json()
    body = {"instructions": [_context("addExpiringTarget", value=LATER)]}
    assert client.patch(path, json=body).json()["successfulInstructions"] == 1
    after = client.get(f"{SEGMENTS}/{key}").json()
    assert after.pop("version") == before.pop("version") + 1
    assert after.pop("lastModifiedDate") >= before.pop("lastModifiedDate")
    assert after == before
    listed = client.get(SEGMENTS, params={"filter": f'includedKeys anyOf ["{key}"]'}).json()
    assert set(listed["items"][0]) == set(client.get(f"{SEGMENTS}/{key}").json()) - {
        "_flags",
        "_access",
    }
    text = client.get(f"{SEGMENTS}/{key}").text
    assert str(LATER) not in text
    renamed = client.patch(f"{SEGMENTS}/{key}", json={"name": "Renamed"})
    assert renamed.status_code == 200
    assert len(client.get(path).json()["items"]) == 1


def test_paths__segment_and_environment_swapped__lead_to_the_same(client: httpx.Client) -> None:
    key = _target(client, big=True)
    for family, word in (("expiring-targets", "context"), ("expiring-user-targets", "user")):
        documented = f"/api/v2/segments/default/{key}/{family}/production"
        swapped = f"/api/v2/segments/default/production/{family}/{key}"
        kind = "addExpiringTarget" if word == "context" else "updateExpireUserTargetDate"
        make = _context if word == "context" else _user
        body = {"instructions": [make(kind, value=LATER, version=1)]}
        reply = client.patch(swapped, json=body)
        assert reply.json()["successfulInstructions"] == 1, reply.text
        shown = client.get(documented).json()
        assert shown == client.get(swapped).json()
        assert shown["items"][0][f"{word}Key"] == KEY
        assert shown["_links"]["self"]["href"] == documented


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"instructions": []},
        {"instructions": "x"},
        {"instructions": [None]},
        {"instructions": [_context("addExpireUserTargetDate", value=LATER)]},
        {"instructions": [_context("addExpiringTarget")]},
        {"instructions": [_context("addExpiringTarget", value=str(LATER))]},
        {"instructions": [_context("addExpiringTarget", value=1.5)]},
        {"instructions": [_context("addExpiringTarget", value=10**18)]},
        {"instructions": [_context("addExpiringTarget", "", value=LATER)]},
        {"instructions": [_context("addExpiringTarget", "k" * 1025, value=LATER)]},
        {"instructions": [_context("addExpiringTarget", value=LATER, targetType="both")]},
        {"instructions": [_context("addExpiringTarget", value=LATER, contextKind="kind")]},
        {"instructions": [_context("updateExpiringTarget", value=LATER, version="1")]},
        {"instructions": [_context("removeExpiringTarget")] * 1001},
        {"instructions": [_context("removeExpiringTarget")], "comment": 1},
    ],
)
def test_patch__malformed__is_refused_as_a_whole(client: httpx.Client, body: Any) -> None:
    key = _target(client, big=True)
    if isinstance(body, dict) and isinstance(body.get("instructions"), list):
        body["instructions"][:0] = [_context("addExpiringTarget", "b", value=LATER)] * (
            len(body["instructions"]) > 0
        )
    path = f"/api/v2/segments/default/{key}/expiring-targets/production"
    reply = client.patch(path, json=body)
    assert reply.status_code == 400, reply.text
    assert reply.json()["code"] == "invalid_request"
    assert KEY not in reply.text
    assert client.get(path).json()["items"] == []


def test_patch__user_update_without_the_segments_version__is_refused(
    client: httpx.Client, segments: SegmentsApi
) -> None:
    place = _place(_target(client, big=False))
    with pytest.raises(BadRequestException, match="version"):
        segments.patch_expiring_user_targets_for_segment(
            *place, _users(_user("updateExpireUserTargetDate", value=LATER))
        )


def test_client__errors__are_of_its_own_classes(
    segments: SegmentsApi, api: Api, client: httpx.Client
) -> None:
    key = _target(client, big=False)
    with pytest.raises(NotFoundException):
        segments.get_expiring_targets_for_segment(PROJECT, ENVIRONMENT, new_key())
    with pytest.raises(NotFoundException):
        segments.get_expiring_user_targets_for_segment(PROJECT, "none", key)
    with pytest.raises(NotFoundException):
        segments.patch_expiring_targets_for_segment(
            "none", ENVIRONMENT, key, _contexts(_context("removeExpiringTarget"))
        )
    with python_client(api, "wrong") as stranger, pytest.raises(UnauthorizedException):
        SegmentsApi(stranger).get_expiring_targets_for_segment(*_place(key))
    path = f"/api/v2/segments/default/{key}/expiring-targets/production"
    assert client.patch(path, content=b"x", headers={"Content-Type": "text/csv"}).status_code == 415
    assert client.post(path, json={}).status_code == 405
