"""Imports that wait for an approval, driven by LaunchDarkly's Python client."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from launchdarkly_api import ApiClient, SegmentBody, SegmentsApi
from launchdarkly_api.exceptions import BadRequestException, ConflictException

from tests.support.clients.python_client import (
    ENVIRONMENT,
    PROJECT,
    SEMANTIC,
    as_sent,
    python_client,
    semantic_patch,
)
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    new_key,
    wait_for_message,
)
from tests.support.systems.held_imports import hold_import, publish_import
from worker.objects import ObjectStore
from worker.store import JobRef, Store

LIST: Final = b"a\nb\nc\n"
UNKNOWN: Final = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def python(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def segments(python: ApiClient) -> SegmentsApi:
    return SegmentsApi(python)


@pytest.fixture
def segment(segments: SegmentsApi) -> str:
    key = new_key()
    segments.post_segment(PROJECT, ENVIRONMENT, SegmentBody(name="Big", key=key, unbounded=True))
    return key


def _import(segments: SegmentsApi, segment: str, *, wait: bool = True) -> str:
    """Start an import; its Location."""
    reply = segments.create_big_segment_import_with_http_info(
        PROJECT, ENVIRONMENT, segment, file=LIST, mode="replace", wait_on_approvals=wait
    )
    assert reply.status_code == 204
    assert reply.headers is not None
    return {name.lower(): value for name, value in reply.headers.items()}["location"]


def _ref(location: str) -> JobRef:
    return JobRef("import", PRODUCTION, location.rpartition("/")[2])


def _held(segments: SegmentsApi, store: Store, segment: str) -> str:
    """Start an import and do what a worker does until it waits."""
    location = _import(segments, segment)
    hold_import(store, _ref(location), ["a", "b", "c"])
    return location


def _shown(segments: SegmentsApi, segment: str, location: str) -> dict[str, Any]:
    reply = segments.get_big_segment_import_with_http_info(
        PROJECT, ENVIRONMENT, segment, _ref(location).job_id
    )
    assert reply.data is not None
    assert reply.data.status == as_sent(reply)["status"]
    return as_sent(reply)


def _process(
    segments: SegmentsApi,
    segment: str,
    import_id: str,
    *others: dict[str, Any],
    dry_run: bool | None = None,
) -> dict[str, Any]:
    """Approve an import by the client; its reply as it was sent."""
    instruction = {"kind": "processBigSegmentImport", "importId": import_id}
    reply = segments.patch_segment_with_http_info(
        PROJECT,
        ENVIRONMENT,
        segment,
        semantic_patch(instruction, *others),
        dry_run=dry_run,
        _content_type=SEMANTIC,
    )
    assert reply.status_code == 200
    assert reply.data is not None
    return as_sent(reply)


def test_wait__from_upload_to_publication__each_status_is_taken(
    segments: SegmentsApi, store: Store, segment: str
) -> None:
    location = _import(segments, segment)
    assert _shown(segments, segment, location)["status"] == "preparing"

    hold_import(store, _ref(location), ["a", "b", "c"])
    shown = _shown(segments, segment, location)

    assert (shown["status"], shown["stage"]) == ("pending_approval", "approval")
    assert [file["status"] for file in shown["files"]] == ["pending_approval"]
    progress = {name: shown["progress"][name] for name in ("phase", "percent", "etaSeconds")}
    assert progress == {"phase": "waiting", "percent": 99.0, "etaSeconds": None}
    report = shown["report"]
    assert {name: report[name] for name in ("added", "removed", "unchanged")} == {
        "added": 2,
        "removed": 0,
        "unchanged": 1,
    }
    assert (report["membersAfter"], report["editedWhileImporting"]) == (3, 0)

    waiting = _process(segments, segment, location)

    assert (waiting["_importInProgress"], waiting["version"]) == (True, 1)
    wait_for_message(store, "bigseg.work", str(_ref(location)))
    assert _shown(segments, segment, location)["status"] == "in_progress"
    assert _process(segments, segment, _ref(location).job_id)["version"] == 1, "once is enough"
    publish_import(store, _ref(location))
    assert _shown(segments, segment, location)["status"] == "complete"
    with pytest.raises(BadRequestException, match="is complete"):
        _process(segments, segment, location)
    counts = as_sent(segments.get_segment_with_http_info(PROJECT, ENVIRONMENT, segment))
    assert counts["_unboundedMetadata"]["includedCount"] == 3
    assert counts["_importInProgress"] is False


def test_wait__list_in_s3__is_understood_in_json(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/lists/a.csv", "waitOnApprovals": True}

    reply = client.post(f"{SEGMENTS}/{segment}/imports/from-source", json=body)

    assert (reply.status_code, reply.json()["status"]) == (202, "preparing")


def test_import__while_another_waits__supersedes_it(
    segments: SegmentsApi, store: Store, segment: str
) -> None:
    first, second = _held(segments, store, segment), _import(segments, segment)
    third = _import(segments, segment, wait=False)

    for older, newer in ((first, second), (second, third)):
        shown = _shown(segments, segment, older)
        assert shown["status"] == "stopped"
        assert shown["reason"] == f"superseded by import {_ref(newer).job_id}"
        assert _shown(segments, segment, newer)["supersedes"] == _ref(older).job_id
        wait_for_message(store, "bigseg.work", str(_ref(older)))
    with pytest.raises(ConflictException):
        _import(segments, segment)
    with pytest.raises(BadRequestException, match="superseded by import"):
        _process(segments, segment, first)


def test_dry_run__while_an_import_waits__is_told_that_it_waits_and_what_to_do(
    client: httpx.Client, segments: SegmentsApi, store: Store, segment: str
) -> None:
    waiting = _ref(_held(segments, store, segment)).job_id
    path, form = f"{SEGMENTS}/{segment}/imports", {"dryRun": "true"}
    reply = client.post(path, data=form, files={"file": ("list.csv", LIST)})
    message = assert_refused(reply, 409, "optimistic_locking_error")
    assert f"waits for an approval: {waiting} (replace of" in message
    assert message.endswith("; approve it or cancel it first")


def test_import__while_an_approved_one_is_published__conflicts(
    segments: SegmentsApi, store: Store, segment: str
) -> None:
    location = _held(segments, store, segment)
    _process(segments, segment, location)

    with pytest.raises(ConflictException):
        _import(segments, segment)


def test_process__dry_run__checks_and_touches_nothing(
    segments: SegmentsApi, store: Store, segment: str
) -> None:
    location = _import(segments, segment)
    with pytest.raises(BadRequestException, match="not built yet"):
        _process(segments, segment, location, dry_run=True)
    hold_import(store, _ref(location), ["a"])

    tag = {"kind": "addTags", "values": ["t"]}
    would_be = _process(segments, segment, location, tag, dry_run=True)

    assert would_be["tags"] == ["t"]
    assert _shown(segments, segment, location)["status"] == "pending_approval"
    assert as_sent(segments.get_segment_with_http_info(PROJECT, ENVIRONMENT, segment))["tags"] == []


def test_process__beside_other_instructions__is_all_or_nothing(
    segments: SegmentsApi, store: Store, segment: str
) -> None:
    location = _held(segments, store, segment)
    exclude = {"kind": "addBigSegmentExcludedTargets", "values": ["x"]}
    include = {"kind": "addBigSegmentIncludedTargets", "values": ["x"]}
    tag = {"kind": "addTags", "values": ["t"]}
    with pytest.raises(BadRequestException):
        _process(segments, segment, location, tag, {"kind": "addRule", "clauses": []})
    _process(segments, segment, location, exclude, dry_run=True)
    with pytest.raises(BadRequestException, match="both included and excluded"):
        _process(segments, segment, location, tag, exclude, include)
    assert _shown(segments, segment, location)["status"] == "pending_approval"
    with pytest.raises(BadRequestException, match="does not exist"):
        _process(segments, segment, UNKNOWN, tag, include)

    patched = _process(segments, segment, location, tag, include)

    assert (patched["tags"], patched["version"]) == (["t"], 2)
    publish_import(store, _ref(location))
    (answer,) = store.memberships.look_up(store.segments.get(PRODUCTION, segment).ref, ["x"])
    assert (answer.included, answer.excluded) == (True, False), "the edit is in what was built"


@pytest.mark.parametrize("import_id", [UNKNOWN, "x", "a:b", "/api/v2/imports/", "é" * 2_000])
def test_process__unknown_import__is_an_invalid_request(
    segments: SegmentsApi, segment: str, import_id: str
) -> None:
    with pytest.raises(BadRequestException, match="does not exist"):
        _process(segments, segment, import_id)


def test_process__import_that_waits_for_nobody__is_an_invalid_request(
    segments: SegmentsApi, client: httpx.Client, store: Store, segment: str
) -> None:
    unasked = _import(segments, segment, wait=False)
    with pytest.raises(BadRequestException, match="not asked to"):
        _process(segments, segment, unasked)
    other = new_key()
    segments.post_segment(PROJECT, ENVIRONMENT, SegmentBody(name="O", key=other, unbounded=True))
    location = _held(segments, store, other)
    with pytest.raises(BadRequestException, match=f"segment {segment} has no import"):
        _process(segments, segment, location)
    assert client.delete(f"{SEGMENTS}/{other}").status_code == 204
    body = {"instructions": [{"kind": "processBigSegmentImport", "importId": location}]}
    reply = client.patch(f"{SEGMENTS}/{other}", json=body, headers={"Content-Type": SEMANTIC})
    assert_refused(reply, 404, "not_found")
    shown = client.get(location).json()
    assert (shown["status"], shown["reason"]) == ("stopped", "segment deleted")
