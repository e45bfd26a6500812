"""Each operation on segments by LaunchDarkly's Python client: its good answer and its errors."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from launchdarkly_api import (
    ApiClient,
    Configuration,
    SegmentBody,
    SegmentsApi,
    SegmentUserList,
    SegmentUserState,
)
from launchdarkly_api.exceptions import (
    ApiException,
    BadRequestException,
    ConflictException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)

from tests.api_servers import TOKEN, Api, running_api
from tests.contract.python_client import json_patch, python_client
from tests.contract.python_operations import (
    OPERATIONS,
    Place,
    assert_answered,
    call,
    import_started,
    refused_call,
    segment_created,
)

#: Nothing listens there.
_NO_STORE: Final = "redis://127.0.0.1:9/0"


def _list(*context_keys: str) -> SegmentUserList:
    return SegmentUserList(add=list(context_keys))


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(api: Api) -> Iterator[ApiClient]:
    with python_client(api, "wrong") as client:
        yield client


@pytest.fixture(scope="module")
def storeless() -> Iterator[ApiClient]:
    """A client of an API that has lost its store; it does not try again by itself."""
    with running_api(_NO_STORE) as api:
        configuration = Configuration(host=api.url, api_key={"ApiKey": TOKEN}, retries=0)
        with ApiClient(configuration) as client:
            yield client


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__where_all_is_well__is_answered_as_documented(
    client: ApiClient, name: str
) -> None:
    assert_answered(client, name, OPERATIONS[name])


@pytest.mark.parametrize("place", [("none", "none", "none"), ("default", "none", "none")])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__in_an_unknown_environment__is_not_found(
    client: ApiClient, name: str, place: Place
) -> None:
    with pytest.raises(NotFoundException) as refused:
        refused_call(client, name, OPERATIONS[name], place)
    _assert_shaped(refused.value, "not_found")


@pytest.mark.parametrize("name", sorted(one for one in OPERATIONS if OPERATIONS[one].keys == 3))
def test_operation__on_an_unknown_segment__is_not_found(client: ApiClient, name: str) -> None:
    with pytest.raises(NotFoundException) as refused:
        refused_call(client, name, OPERATIONS[name], ("default", "production", "none"))
    _assert_shaped(refused.value, "not_found")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__with_a_wrong_token__is_unauthorized(stranger: ApiClient, name: str) -> None:
    with pytest.raises(UnauthorizedException) as refused:
        refused_call(stranger, name, OPERATIONS[name], ("default", "production", "none"))
    _assert_shaped(refused.value, "unauthorized")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__without_a_store__is_a_fault_of_the_service(
    storeless: ApiClient, name: str
) -> None:
    with pytest.raises(ServiceException) as refused:
        refused_call(storeless, name, OPERATIONS[name], ("default", "production", "none"))
    assert refused.value.status == 503
    _assert_shaped(refused.value, "service_unavailable")


@pytest.mark.parametrize(
    "name",
    sorted(one for one in OPERATIONS if OPERATIONS[one].big and OPERATIONS[one].prepared is None),
)
def test_operation__for_big_segments_on_a_standard_one__is_a_bad_request(
    client: ApiClient, name: str
) -> None:
    place = segment_created(SegmentsApi(client), big=False)

    with pytest.raises(BadRequestException) as refused:
        refused_call(client, name, OPERATIONS[name], place)
    _assert_shaped(refused.value, "invalid_request")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("post_segment", (SegmentBody(name="n", key="a/b"),)),
        ("post_segment", (SegmentBody(name=" ", key="k"),)),
        ("get_segments", (0,)),
        ("get_segments", (1, -1)),
        ("get_segments", (1, 0, "key")),
        ("get_segments", (1, 0, "name", "tags anyOf")),
        ("patch_segment", (json_patch({"op": "remove", "path": "/tags/7"}),)),
        ("update_big_segment_context_targets", (SegmentUserState(included=_list("")),)),
        ("update_big_segment_targets", (SegmentUserState(excluded=_list("a\nb")),)),
        ("get_segment_membership_for_context", ("k" * 1_025,)),
        ("get_segment_membership_for_user", ("\n",)),
        ("create_big_segment_import", ()),
        ("create_big_segment_import", (b"k\n", "add")),
    ],
)
def test_operation__bad_request__is_of_its_own_class(
    client: ApiClient, name: str, arguments: tuple[Any, ...]
) -> None:
    operation = OPERATIONS[name]
    place = segment_created(SegmentsApi(client), big=True)

    with pytest.raises(BadRequestException) as refused:
        call(client, name, place[: operation.keys], *arguments)  # type: ignore[arg-type]  # fewer keys
    _assert_shaped(refused.value, "invalid_request")


def test_operation__conflict__is_of_its_own_class(client: ApiClient) -> None:
    segments = SegmentsApi(client)
    place = segment_created(segments, big=True)
    import_started(segments, place)
    conflicts: list[tuple[str, tuple[Any, ...], str]] = [
        ("post_segment", (*place[:2], SegmentBody(name="n", key=place[2])), "key_exists"),
        (
            "patch_segment",
            (*place, json_patch({"op": "test", "path": "/version", "value": 9})),
            "optimistic_locking_error",
        ),
        ("create_big_segment_import", (*place, b"b\n"), "optimistic_locking_error"),
    ]

    for name, arguments, code in conflicts:
        with pytest.raises(ConflictException) as refused:
            getattr(segments, name)(*arguments)
        _assert_shaped(refused.value, code)


def _assert_shaped(refusal: ApiException, code: str) -> None:
    """Hold the body against its documentation, and what the client has read of it, if it has."""
    assert refusal.body is not None
    body = json.loads(refusal.body)
    assert set(body) == {"code", "message", "id"}
    assert body["code"] == code
    if refusal.data is not None:  # else the client has no model for this status
        assert (refusal.data.code, refusal.data.message) == (code, body["message"])
