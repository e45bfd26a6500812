"""Each operation on segments by LaunchDarkly's Python client: its good answer and its errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from launchdarkly_api import (
    AccessTokenPost,
    AccessTokensApi,
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
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)

from tests.support.clients.python_client import json_patch, python_client
from tests.support.clients.python_operations import (
    OPERATIONS,
    SegmentAddress,
    assert_answered,
    call,
    import_started,
    operations_of,
    refused_call,
    segment_created,
)
from tests.support.servers.api import TOKEN, Api, running_api
from tests.support.servers.redis import Server

#: Nothing listens there.
_NO_STORE: Final = "redis://127.0.0.1:9/0"
#: What a token that may only read is refused.
_WRITING: Final = {
    "post_segment",
    "patch_segment",
    "delete_segment",
    "update_big_segment_context_targets",
    "update_big_segment_targets",
    "create_big_segment_import",
    "create_big_segment_export",
    "patch_expiring_targets_for_segment",
    "patch_expiring_user_targets_for_segment",
}


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


@pytest.fixture(scope="module")
def reader(api: Api, client: ApiClient) -> Iterator[ApiClient]:
    """A client that may read."""
    token = AccessTokensApi(client).post_token(AccessTokenPost(name="reader", role="reader")).token
    assert token is not None
    with python_client(api, token) as reading:
        yield reading


@pytest.fixture(scope="module")
def limited(valkey_server: Server) -> Iterator[ApiClient]:
    """A client that may send one request in ten seconds, and one look-up."""
    with running_api(valkey_server.url, {"LIMIT_TOKEN": "1", "LIMIT_LOOKUP_TOKEN": "1"}) as api:
        configuration = Configuration(host=api.url, api_key={"ApiKey": TOKEN}, retries=0)
        with ApiClient(configuration) as client:
            yield client


def test_suite__every_operation_of_the_client__is_driven() -> None:
    assert set(OPERATIONS) == operations_of(SegmentsApi)
    assert len(OPERATIONS) == 18


def test_readme__table_of_operations__names_every_one() -> None:
    readme = (Path(__file__).parents[4] / "api/README.md").read_text()
    table = readme.partition("## Every operation")[2].partition("\n\nFor all of them")[0]

    for name in OPERATIONS:
        first, *words = name.split("_")
        assert "".join((first, *(word.title() for word in words))) in table


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__where_all_is_well__is_answered_as_documented(
    client: ApiClient, name: str
) -> None:
    assert_answered(client, name, OPERATIONS[name])


@pytest.mark.parametrize("address", [("none", "none", "none"), ("default", "none", "none")])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__in_an_unknown_environment__is_not_found(
    client: ApiClient, name: str, address: SegmentAddress
) -> None:
    with pytest.raises(NotFoundException) as refused:
        refused_call(client, name, OPERATIONS[name], address)
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


@pytest.mark.parametrize("name", sorted(_WRITING))
def test_operation__that_writes_with_a_reader_s_token__is_forbidden(
    reader: ApiClient, name: str
) -> None:
    with pytest.raises(ForbiddenException) as refused:
        refused_call(reader, name, OPERATIONS[name], ("default", "production", "none"))
    _assert_shaped(refused.value, "forbidden")


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - _WRITING))
def test_operation__that_reads_with_a_reader_s_token__is_let_in(
    client: ApiClient, reader: ApiClient, name: str
) -> None:
    operation = OPERATIONS[name]
    segments = SegmentsApi(client)
    address = segment_created(segments, big=operation.big)
    arguments = operation.arguments
    if operation.prepared is not None:
        arguments = operation.prepared(segments, address)

    reply = call(reader, name, address[: operation.keys], *arguments)  # type: ignore[arg-type]  # fewer keys

    assert reply.status_code == operation.status


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation__too_often__is_refused_with_what_is_left(limited: ApiClient, name: str) -> None:
    for _ in range(3):  # the first may pass, and a window may end
        with pytest.raises(ApiException) as refused:
            refused_call(limited, name, OPERATIONS[name], ("none", "none", "none"))
        if refused.value.status == 429:
            break

    assert type(refused.value) is ApiException
    assert refused.value.headers is not None
    assert int(refused.value.headers["X-Ratelimit-Auth-Token-Limit"]) == 1
    assert int(refused.value.headers["X-Ratelimit-Auth-Token-Remaining"]) == 0
    _assert_shaped(refused.value, "rate_limited")


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
    address = segment_created(SegmentsApi(client), big=False)

    with pytest.raises(BadRequestException) as refused:
        refused_call(client, name, OPERATIONS[name], address)
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
        ("get_context_instance_segments_membership_by_env", ({"kind": "user"},)),
        ("get_context_instance_segments_membership_by_env", ({"kind": "multi"},)),
    ],
)
def test_operation__bad_request__is_of_its_own_class(
    client: ApiClient, name: str, arguments: tuple[Any, ...]
) -> None:
    operation = OPERATIONS[name]
    address = segment_created(SegmentsApi(client), big=True)

    with pytest.raises(BadRequestException) as refused:
        call(client, name, address[: operation.keys], *arguments)  # type: ignore[arg-type]  # fewer keys
    _assert_shaped(refused.value, "invalid_request")


def test_operation__conflict__is_of_its_own_class(client: ApiClient) -> None:
    segments = SegmentsApi(client)
    address = segment_created(segments, big=True)
    import_started(segments, address)
    conflicts: list[tuple[str, tuple[Any, ...], str]] = [
        ("post_segment", (*address[:2], SegmentBody(name="n", key=address[2])), "key_exists"),
        (
            "patch_segment",
            (*address, json_patch({"op": "test", "path": "/version", "value": 9})),
            "optimistic_locking_error",
        ),
        ("create_big_segment_import", (*address, b"b\n"), "optimistic_locking_error"),
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
