"""Every operation on segments, driven by LaunchDarkly's TypeScript client."""

from typing import Any, Final

import pytest

from tests.support.clients.typescript import Outcome, TypeScriptClient, list_file
from tests.support.servers.api import PRODUCTION, new_key
from worker.store import JobRef, Store

_PLACE: Final = (PRODUCTION.project, PRODUCTION.environment)
_SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"
#: The year 2096: nothing expires while tests run.
_DATE_MS: Final = 4_000_000_000_000
_DATE: Final = {"targetType": "included", "value": _DATE_MS}
_EXPIRY: Final = {"kind": "addExpiringTarget", "contextKey": "k", "contextKind": "user"}
_USER_EXPIRY: Final = {"kind": "addExpireUserTargetDate", "userKey": "k"}
_JOB: Final = "11111111-1111-4111-8111-111111111111"
_CODES: Final = {
    400: "invalid_request",
    401: "unauthorized",
    404: "not_found",
    409: "optimistic_locking_error",
}
#: What follows the keys of project, environment and segment in a call that would be understood.
_ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "getSegment": (),
    "patchSegment": ({"patch": []},),
    "deleteSegment": (),
    "updateBigSegmentContextTargets": ({},),
    "updateBigSegmentTargets": ({},),
    "getSegmentMembershipForContext": ("k",),
    "getSegmentMembershipForUser": ("k",),
    "createBigSegmentImport": (list_file("list.csv", "k\n"), "merge"),
    "getBigSegmentImport": (_JOB,),
    "createBigSegmentExport": (),
    "getBigSegmentExport": (_JOB,),
    "getExpiringTargetsForSegment": (),
    "patchExpiringTargetsForSegment": ({"instructions": [_EXPIRY | _DATE]},),
    "getExpiringUserTargetsForSegment": (),
    "patchExpiringUserTargetsForSegment": ({"instructions": [_USER_EXPIRY | _DATE]},),
}
_LIST_ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "postSegment": ({"name": "n", "key": "k"},),
    "getSegments": (),
    "getContextInstanceSegmentsMembershipByEnv": ({"kind": "user", "key": "k"},),
}
_OF_BIG_ONES: Final = sorted(name for name in _ARGUMENTS if "Big" in name or "Member" in name)


def _created(typescript: TypeScriptClient, *, big: bool = False) -> str:
    key = new_key()
    body = {"name": "Made by a client", "key": key, "tags": ["a"], "unbounded": big}
    made = typescript.call("postSegment", *_PLACE, body)
    assert (made.status, made.data["key"], made.data["version"]) == (201, key, 1)
    return key


def _assert_refused(outcome: Outcome, status: int, code: str | None = None) -> None:
    assert outcome.status == status, outcome
    assert outcome.headers["content-type"] == "application/json"
    assert set(outcome.data) == {"code", "message", "id"}
    assert outcome.data["code"] == (code or _CODES[status])
    assert outcome.data["message"]


def test_suite__every_operation_of_the_client__is_driven(typescript: TypeScriptClient) -> None:
    assert typescript.operations == set(_ARGUMENTS | _LIST_ARGUMENTS)
    assert len(typescript.operations) == 18


@pytest.mark.parametrize("big", [False, True])
def test_segment__created_read_patched_listed_deleted__is_as_asked(
    typescript: TypeScriptClient, *, big: bool
) -> None:
    key = _created(typescript, big=big)
    rename = {"patch": [{"op": "replace", "path": "/name", "value": "Renamed"}], "comment": "why"}

    got = typescript.call("getSegment", *_PLACE, key)
    patched = typescript.call("patchSegment", *_PLACE, key, rename)
    page = typescript.call(
        "getSegments", *_PLACE, 1, 0, "-name", f'includedKeys anyOf ["{key}"],tags anyOf ["a"]'
    )
    deleted = typescript.call("deleteSegment", *_PLACE, key)

    assert (got.status, got.data["name"], got.data["tags"]) == (200, "Made by a client", ["a"])
    assert (patched.status, patched.data["name"], patched.data["version"]) == (200, "Renamed", 2)
    assert (page.status, page.data["totalCount"]) == (200, 1)
    listed, *others = page.data["items"]
    patched.data.pop("_access", None)  # it is left out of lists
    assert (listed, others) == (patched.data, [])
    assert (deleted.status, deleted.data) == (204, "")
    _assert_refused(typescript.call("getSegment", *_PLACE, key), 404)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ([{"op": "add", "path": "/included/-", "value": "é/ %"}], "application/json"),
        ({"merge": {"included": ["é/ %"]}, "comment": "why"}, "application/json"),
        ({"included": ["é/ %"]}, "application/json"),
        ({"instructions": [{"kind": "addIncludedUsers", "values": ["é/ %"]}]}, _SEMANTIC),
    ],
)
def test_patch__in_every_form__changes_the_segment(
    typescript: TypeScriptClient, body: Any, content_type: str
) -> None:
    key = _created(typescript)

    patched = typescript.call(
        "patchSegment", *_PLACE, key, body, {"headers": {"Content-Type": content_type}}
    )

    assert (patched.status, patched.data["included"]) == (200, ["é/ %"])


@pytest.mark.parametrize("family", ["Context", ""])
@pytest.mark.parametrize("context_key", ["plain", "org/key é?#", "100%", "😀", "a+b"])
def test_targets__of_a_big_segment__are_its_members(
    typescript: TypeScriptClient, family: str, context_key: str
) -> None:
    key = _created(typescript, big=True)
    update = f"updateBigSegment{family}Targets"
    ask = f"getSegmentMembershipFor{family or 'User'}"
    body = {"included": {"add": [context_key]}, "excluded": {"remove": ["other"]}}

    updated = typescript.call(update, *_PLACE, key, body)
    asked = typescript.call(ask, *_PLACE, key, context_key)
    stranger = typescript.call(ask, *_PLACE, key, "nobody")

    assert (updated.status, updated.data) == (204, "")
    assert asked.status == 200
    assert asked.data == {"userKey": context_key, "included": True, "excluded": False}
    assert stranger.data == {"userKey": "nobody", "included": False, "excluded": False}


def test_import__of_a_file__is_found_by_its_location(typescript: TypeScriptClient) -> None:
    key = _created(typescript, big=True)

    made = typescript.call(
        "createBigSegmentImport", *_PLACE, key, list_file("klänge.csv", "a\nb\n"), "replace"
    )
    location = made.headers["location"]
    got = typescript.call("getBigSegmentImport", *_PLACE, key, location.rpartition("/")[2])
    again = typescript.call(
        "createBigSegmentImport", *_PLACE, key, list_file("list.csv", "c\n"), "merge"
    )
    shown = typescript.call("getSegment", *_PLACE, key)

    assert (made.status, made.data) == (204, "")
    assert got.status == 200
    assert (got.data["segmentKey"], got.data["mode"], got.data["status"]) == (
        key,
        "replace",
        "ready",
    )
    assert [one["filename"] for one in got.data["files"]] == ["klänge.csv"]
    assert got.data["_links"]["self"]["href"] == location
    _assert_refused(again, 409)
    assert shown.data["_importInProgress"] is True


def test_export__of_a_segment__is_found_by_its_location(
    typescript: TypeScriptClient, store: Store
) -> None:
    key = _created(typescript, big=True)

    made = typescript.call("createBigSegmentExport", *_PLACE, key)
    export_id = made.headers["location"].rpartition("/")[2]
    report = {"sizeBytes": 18, "rows": 3, "bucket": "b", "key": "k", "etag": "e"}
    store.jobs.end(JobRef("export", PRODUCTION, export_id), "complete", report=report, keep_s=600)
    got = typescript.call("getBigSegmentExport", *_PLACE, key, export_id)

    assert made.status == got.status == 200
    assert made.data["sizeBytes"] == 0
    shown = got.data
    assert (shown["id"], shown["segmentKey"], shown["status"]) == (export_id, key, "complete")
    assert (shown["sizeBytes"], shown["size"]) == (18, "18 B")
    assert shown["initiator"]["name"]
    assert shown["_links"]["download"]["type"] == "text/csv"


@pytest.mark.parametrize(
    ("family", "instruction"), [("Targets", _EXPIRY), ("UserTargets", _USER_EXPIRY)]
)
@pytest.mark.parametrize("big", [False, True])
def test_expiring_targets__added__are_read_again(
    typescript: TypeScriptClient, family: str, instruction: dict[str, str], *, big: bool
) -> None:
    key = _created(typescript, big=big)
    if big:
        typescript.call("updateBigSegmentTargets", *_PLACE, key, {"included": {"add": ["k"]}})
    else:
        typescript.call("patchSegment", *_PLACE, key, {"included": ["k"]})
    patch = f"patchExpiring{family}ForSegment"
    known = instruction | _DATE
    instructions = [known, known | {"targetType": "excluded"}]

    refused = typescript.call(patch, *_PLACE, key, {"instructions": [known | {"kind": "none"}]})
    tried = typescript.call(patch, *_PLACE, key, {"instructions": instructions, "comment": "why"})
    got = typescript.call(f"getExpiring{family}ForSegment", *_PLACE, key)

    _assert_refused(refused, 400)
    assert tried.status == 200
    assert (tried.data["successfulInstructions"], tried.data["failedInstructions"]) == (1, 1)
    assert [one["instructionIndex"] for one in tried.data["errors"]] == [1]
    assert got.status == 200
    assert got.data["items"] == tried.data["items"]
    assert [one["expirationDate"] for one in got.data["items"]] == [_DATE_MS]


def test_evaluate__one_context__tells_of_every_segment(typescript: TypeScriptClient) -> None:
    standard, big = _created(typescript), _created(typescript, big=True)
    typescript.call("patchSegment", *_PLACE, standard, {"included": ["é/ %"]})
    typescript.call("updateBigSegmentTargets", *_PLACE, big, {"included": {"add": ["é/ %"]}})

    found = typescript.call(
        "getContextInstanceSegmentsMembershipByEnv", *_PLACE, {"kind": "user", "key": "é/ %"}
    )

    assert found.status == 200
    members = {one["key"] for one in found.data["items"] if one["isMember"]}
    assert members >= {standard, big}


@pytest.mark.parametrize("operation", sorted(_ARGUMENTS))
def test_operation__on_an_unknown_segment__is_not_found(
    typescript: TypeScriptClient, operation: str
) -> None:
    arguments = _ARGUMENTS[operation]

    _assert_refused(typescript.call(operation, *_PLACE, "none", *arguments), 404)
    _assert_refused(typescript.call(operation, "none", "none", "none", *arguments), 404)


@pytest.mark.parametrize("operation", sorted(_LIST_ARGUMENTS))
def test_operation__on_an_unknown_environment__is_not_found(
    typescript: TypeScriptClient, operation: str
) -> None:
    outcome = typescript.call(operation, "default", "none", *_LIST_ARGUMENTS[operation])

    _assert_refused(outcome, 404)


@pytest.mark.parametrize("operation", sorted(_ARGUMENTS | _LIST_ARGUMENTS))
def test_operation__with_a_wrong_token__is_unauthorized(
    typescript: TypeScriptClient, operation: str
) -> None:
    place = _PLACE if operation in _LIST_ARGUMENTS else (*_PLACE, "s")
    arguments = (_ARGUMENTS | _LIST_ARGUMENTS)[operation]

    _assert_refused(typescript.call(operation, *place, *arguments, token="wrong"), 401)


@pytest.mark.parametrize(
    "operation", [name for name in _OF_BIG_ONES if not name.startswith("getB")]
)
def test_operation__for_big_segments_on_a_standard_one__is_an_invalid_request(
    typescript: TypeScriptClient, operation: str
) -> None:
    key = _created(typescript)

    _assert_refused(typescript.call(operation, *_PLACE, key, *_ARGUMENTS[operation]), 400)


@pytest.mark.parametrize(
    ("operation", "arguments", "status"),
    [
        ("getSegments", (0,), 400),
        ("getSegments", (None, -1), 400),
        ("getSegments", (None, None, "key"), 400),
        ("getSegments", (None, None, None, "tags anyOf"), 400),
        ("postSegment", ({"name": "n", "key": "a/b"},), 400),
        ("postSegment", ({"key": "k"},), 400),
        ("patchSegment", ("{key}", {"patch": [{"op": "remove", "path": "/tags/7"}]}), 400),
        ("patchSegment", ("{key}", {"patch": [{"op": "test", "path": "/name"}]}), 409),
        ("updateBigSegmentContextTargets", ("{key}", {"included": {"add": [""]}}), 400),
        ("updateBigSegmentTargets", ("{key}", {"included": ["k"]}), 400),
        ("getSegmentMembershipForContext", ("{key}", "k" * 1_025), 400),
        ("createBigSegmentImport", ("{key}",), 400),
        ("createBigSegmentImport", ("{key}", list_file("l.csv", "k\n"), "add"), 400),
    ],
)
def test_operation__bad_request__is_refused_in_shape(
    typescript: TypeScriptClient, operation: str, arguments: tuple[Any, ...], status: int
) -> None:
    key = _created(typescript, big=True)
    given = (key if one == "{key}" else one for one in arguments)

    _assert_refused(typescript.call(operation, *_PLACE, *given), status)


def test_create__taken_key__is_refused_by_name(typescript: TypeScriptClient) -> None:
    body = {"name": "again", "key": _created(typescript)}

    _assert_refused(typescript.call("postSegment", *_PLACE, body), 409, "key_exists")
