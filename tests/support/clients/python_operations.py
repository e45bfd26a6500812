"""Every operation on segments as the Python client calls it, and what it makes of the answer."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from launchdarkly_api import (
    ApiClient,
    ApiResponse,
    BigSegmentTarget,
    ContextInstanceSegmentMemberships,
    ExpiringTargetGetResponse,
    ExpiringTargetPatchResponse,
    ExpiringUserTargetGetResponse,
    ExpiringUserTargetPatchResponse,
    Export,
    ModelImport,
    PatchSegmentExpiringTargetInputRep,
    PatchSegmentRequest,
    SegmentBody,
    SegmentsApi,
    SegmentUserList,
    SegmentUserState,
    UserSegment,
    UserSegments,
)

from tests.support.clients.python_client import ENVIRONMENT, PROJECT, as_sent, json_patch
from tests.support.servers.api import new_key

SegmentAddress = tuple[str, str, str]
"""Keys of project, environment and segment."""

#: The year 2096: nothing expires while tests run.
_DATE_MS: Final = 4_000_000_000_000
_JOB: Final = "11111111-1111-4111-8111-111111111111"
_VARIANTS: Final = ("_with_http_info", "_without_preload_content")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the client."""

    status: int
    """Of its good answer."""
    model: type | None
    """What the client makes of the body; None for an answer without one it reads."""
    arguments: tuple[Any, ...] = ()
    """What follows the keys in a call that would be understood."""
    keys: int = 3
    """How many keys of the address it takes."""
    big: bool = False
    """Whether it is for big segments only."""
    prepared: Callable[[SegmentsApi, SegmentAddress], tuple[Any, ...]] | None = None
    """Makes what has to be there for a good answer, and gives the arguments for it."""


def segment_created(segments: SegmentsApi, *, big: bool) -> SegmentAddress:
    """Make a segment; give its place."""
    key = new_key()
    body = SegmentBody(name="Made by a client", key=key, tags=["a"], unbounded=big)
    segments.post_segment(PROJECT, ENVIRONMENT, body)
    return PROJECT, ENVIRONMENT, key


def including(*context_keys: str) -> SegmentUserState:
    """Give the body that adds keys to the included list."""
    return SegmentUserState(included=SegmentUserList(add=list(context_keys)))


def import_started(
    segments: SegmentsApi, address: SegmentAddress, file: Any = b"a\n", mode: str = ""
) -> str:
    """Start an import; its id is only in a header."""
    made = segments.create_big_segment_import_with_http_info(*address, file=file, mode=mode or None)
    assert made.status_code == 204
    assert made.headers is not None
    return made.headers["Location"].rpartition("/")[2]


def export_started(segments: SegmentsApi, address: SegmentAddress) -> str:
    """Start an export; its id is only in a header."""
    made = segments.create_big_segment_export_with_http_info(*address)
    assert made.status_code == 200
    assert made.headers is not None
    return made.headers["Location"].rpartition("/")[2]


def call(
    client: ApiClient, name: str, address: SegmentAddress, *arguments: Any
) -> ApiResponse[Any]:
    """Call an operation by its name; raise what the client raises."""
    reply: ApiResponse[Any] = getattr(SegmentsApi(client), f"{name}_with_http_info")(
        *address, *arguments
    )
    return reply


def refused_call(
    client: ApiClient, name: str, operation: Operation, address: SegmentAddress
) -> None:
    """Call an operation with what would be understood, at a place that may not be there."""
    call(client, name, address[: operation.keys], *operation.arguments)  # type: ignore[arg-type]  # fewer keys


def assert_answered(client: ApiClient, name: str, operation: Operation) -> None:
    """Call an operation where all is well, and hold the answer against its documentation."""
    segments = SegmentsApi(client)
    address = segment_created(segments, big=operation.big)
    arguments = operation.arguments
    if operation.prepared is not None:
        arguments = operation.prepared(segments, address)

    reply = call(client, name, address[: operation.keys], *arguments)  # type: ignore[arg-type]  # fewer keys

    assert reply.status_code == operation.status
    if operation.model is None:
        assert reply.data is None
        return
    assert isinstance(reply.data, operation.model)
    # Nothing that its model knows was lost on the way into it; what else is sent, it drops.
    sent, taken = as_sent(reply), reply.data.to_dict()  # type: ignore[attr-defined]  # generated
    assert taken == _known(sent, taken)


def _known(sent: Any, taken: Any) -> Any:
    """What was sent, without the fields that the client's models do not have."""
    if isinstance(taken, dict) and isinstance(sent, dict):
        return {name: _known(sent.get(name), taken[name]) for name in taken}
    if isinstance(taken, list) and isinstance(sent, list) and len(taken) == len(sent):
        return [_known(each, known) for each, known in zip(sent, taken, strict=True)]
    return sent


def operations_of(api_class: type) -> set[str]:
    """Names of all operations that a class of the client has."""
    methods = inspect.getmembers(api_class, inspect.isfunction)
    return {
        name for name, _ in methods if not name.startswith("_") and not name.endswith(_VARIANTS)
    }


def _new_segment(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    del segments, address
    return (SegmentBody(name="n", key=new_key()),)


def _import(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    return (import_started(segments, address),)


def _export(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    return (export_started(segments, address),)


def _expiry() -> PatchSegmentExpiringTargetInputRep:
    target = {"contextKey": "k", "contextKind": "user", "targetType": "included"}
    instruction = {"kind": "addExpiringTarget", "value": _DATE_MS, **target}
    body = {"instructions": [instruction], "comment": "why"}
    return PatchSegmentExpiringTargetInputRep.model_validate(body)


def _user_expiry() -> PatchSegmentRequest:
    target = {"userKey": "k", "targetType": "included"}
    instruction = {"kind": "addExpireUserTargetDate", "value": _DATE_MS, **target}
    return PatchSegmentRequest.model_validate({"instructions": [instruction], "comment": "why"})


def _targeted(segments: SegmentsApi, address: SegmentAddress) -> None:
    patch = json_patch({"op": "add", "path": "/included/-", "value": "k"})
    segments.patch_segment(*address, patch)


def _expiring(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    """One target expires."""
    _targeted(segments, address)
    segments.patch_expiring_targets_for_segment(*address, _expiry())
    return ()


def _to_expire(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    """One target does not expire yet."""
    _targeted(segments, address)
    return (_expiry(),)


def _user_to_expire(segments: SegmentsApi, address: SegmentAddress) -> tuple[Any, ...]:
    _targeted(segments, address)
    return (_user_expiry(),)


OPERATIONS: Final[dict[str, Operation]] = {
    "post_segment": Operation(
        201, UserSegment, (SegmentBody(name="n", key="k"),), keys=2, prepared=_new_segment
    ),
    "get_segment": Operation(200, UserSegment),
    "get_segments": Operation(200, UserSegments, keys=2),
    "patch_segment": Operation(200, UserSegment, (json_patch(),)),
    "delete_segment": Operation(204, None),
    "update_big_segment_context_targets": Operation(204, None, (including("k"),), big=True),
    "get_segment_membership_for_context": Operation(200, BigSegmentTarget, ("k",), big=True),
    "update_big_segment_targets": Operation(204, None, (including("k"),), big=True),
    "get_segment_membership_for_user": Operation(200, BigSegmentTarget, ("k",), big=True),
    "create_big_segment_import": Operation(204, None, (b"k\n", "merge"), big=True),
    "get_big_segment_import": Operation(200, ModelImport, (_JOB,), big=True, prepared=_import),
    "create_big_segment_export": Operation(200, None, big=True),
    "get_big_segment_export": Operation(200, Export, (_JOB,), big=True, prepared=_export),
    "get_expiring_targets_for_segment": Operation(
        200, ExpiringTargetGetResponse, prepared=_expiring
    ),
    "patch_expiring_targets_for_segment": Operation(
        200, ExpiringTargetPatchResponse, (_expiry(),), prepared=_to_expire
    ),
    "get_expiring_user_targets_for_segment": Operation(
        200, ExpiringUserTargetGetResponse, prepared=_expiring
    ),
    "patch_expiring_user_targets_for_segment": Operation(
        200, ExpiringUserTargetPatchResponse, (_user_expiry(),), prepared=_user_to_expire
    ),
    "get_context_instance_segments_membership_by_env": Operation(
        200, ContextInstanceSegmentMemberships, ({"kind": "user", "key": "k"},), keys=2
    ),
}
