"""Cancelling an import over HTTP: until it is published, and with a record of who did it."""

from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    assert_refused,
    create_segment,
    wait_for_message,
)
from tests.support.systems.held_imports import hold_import, publish_import
from worker.store import JobRef, Store, approve_import
from worker.store.jobs import TASK_WORK

UNKNOWN: Final = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _start(client: httpx.Client, segment: str, **fields: str) -> str:
    path = f"{SEGMENTS}/{segment}/imports"
    reply = client.post(path, files={"file": ("list.csv", b"a\nb\n")}, data=fields)
    assert reply.status_code == 204, reply.text
    location: str = reply.headers["location"]
    return location


def _ref(location: str) -> JobRef:
    return JobRef("import", PRODUCTION, location.rpartition("/")[2])


def test_cancel__queued_import__is_stopped_once_and_on_record(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = _start(client, segment)

    replies = [client.delete(location) for _ in range(2)]

    shown: list[dict[str, Any]] = [reply.json() for reply in replies]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert shown[0] == shown[1] == client.get(location).json()
    assert (shown[0]["status"], shown[0]["reason"]) == ("stopped", "cancelled by admin token")
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False
    wait_for_message(store, TASK_WORK, str(_ref(location)))
    spec = f"proj/default:env/production:segment/{segment}"
    entries = client.get("/api/v2/auditlog", params={"spec": spec}).json()["items"]
    sentences = [entry["titleVerb"] for entry in entries]
    assert sentences.count("cancelled an import into the segment") == 1
    _start(client, segment)


def test_cancel__published_import__is_refused_and_stays(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = _start(client, segment, waitOnApprovals="true")
    hold_import(store, _ref(location), ["a", "b"])
    approve_import(store, store.segments.get(PRODUCTION, segment).ref, _ref(location).job_id)
    publish_import(store, _ref(location))

    message = assert_refused(client.delete(location), 409, "optimistic_locking_error")

    assert "revisions publish" in message
    assert client.get(location).json()["status"] == "complete"


def test_cancel__what_waits_for_an_approval__cannot_be_approved_any_more(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = _start(client, segment, waitOnApprovals="true")
    hold_import(store, _ref(location), ["a", "b"])

    assert client.delete(location).status_code == 200

    instruction = {"kind": "processBigSegmentImport", "importId": _ref(location).job_id}
    headers = {"Content-Type": "application/json; domain-model=launchdarkly.semanticpatch"}
    body = {"instructions": [instruction]}
    refused = client.patch(f"{SEGMENTS}/{segment}", json=body, headers=headers)
    assert "cancelled by admin token" in assert_refused(refused, 400, "invalid_request")


def test_cancel__unknown_import_or_other_segment__is_not_found(
    client: httpx.Client, segment: str
) -> None:
    location = _start(client, segment)
    other = create_segment(client)

    assert_refused(client.delete(f"{SEGMENTS}/{segment}/imports/{UNKNOWN}"), 404, "not_found")
    foreign = f"{SEGMENTS}/{other}/imports/{_ref(location).job_id}"
    assert_refused(client.delete(foreign), 404, "not_found")
    assert client.get(location).json()["status"] == "ready"
