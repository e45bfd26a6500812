"""``…/export-schedules``: what is taken, shown, changed and refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

import httpx
import pytest

from tests.contract.conftest import SCHEDULES
from tests.support.servers.api import PRODUCTION, SEGMENTS, assert_refused, create_segment
from tests.support.store.jobs import jobs_of
from worker.options.exports import ExportOptions
from worker.store import Store

NIGHTLY: Final = {"key": "nightly", "cron": "30 2 * * *", "timeZone": "Europe/Berlin"}


@pytest.fixture
def path(client: httpx.Client) -> Iterator[str]:
    """The schedules of a segment; both are gone afterwards."""
    segment = f"{SEGMENTS}/{create_segment(client)}"
    yield f"{segment}/export-schedules"
    client.delete(segment)


def _create(client: httpx.Client, path: str, **fields: Any) -> dict[str, Any]:
    reply = client.post(path, json=NIGHTLY | fields)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == made["_links"]["self"]["href"]
    return made


def test_schedule__made_shown_changed_deleted__is_as_asked_each_time(
    client: httpx.Client, path: str
) -> None:
    made = _create(client, path, keepLast=7, export={"format": "parquet"})
    assert made["export"]["format"] == "parquet"
    assert (made["keepLast"], made["keepDays"], made["version"]) == (7, None, 1)
    assert made["runs"] == []
    assert made["nextRunAt"] > made["createdAt"]
    own = f"{path}/nightly"
    assert client.get(own).json() == made
    assert client.get(path).json()["items"] == [made]

    paused = client.patch(own, json={"paused": True, "version": 1}).json()
    assert (paused["paused"], paused["version"], paused["nextRunAt"]) == (True, 2, None)
    assert client.patch(own, json={"paused": True}).json()["version"] == 2, "nothing is different"
    changed = client.patch(own, json={"paused": False, "cron": " 0 3 * * 1 ", "keepLast": None})
    assert changed.json()["cron"] == "0 3 * * 1"
    assert changed.json()["keepLast"] is None
    assert changed.json()["export"] == made["export"]

    assert client.delete(own).status_code == 204
    assert client.get(own).status_code == 404
    assert client.delete(own).status_code == 404


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"cron": "30 2 * *"}, "five fields"),
        ({"cron": "30 2 31 2 *"}, "day-of-month"),
        ({"cron": "*/4 * * * *"}, "at least 300"),
        ({"cron": "1" * 101}, "at most 100"),
        ({"timeZone": "Mars/Olympus"}, "not a time zone"),
        ({"key": "a/b"}, "key"),
        ({"key": "a" * 65}, "key"),
        ({"keepLast": 0}, "keepLast"),
        ({"keepDays": 3_651}, "keepDays"),
        ({"keepLast": True}, "keepLast"),
        ({"export": {"format": "xlsx"}}, "format"),
        ({"every": "day"}, "unknown field"),
    ],
    ids=str,
)
def test_create__what_cannot_be__is_refused_with_its_reason(
    client: httpx.Client, path: str, fields: dict[str, Any], why: str
) -> None:
    reply = client.post(path, json=NIGHTLY | fields)
    assert reply.status_code == 400
    assert why in reply.json()["message"]
    assert client.get(path).json()["totalCount"] == 0


def test_create__key_that_is_taken__is_refused(client: httpx.Client, path: str) -> None:
    _create(client, path)
    assert client.post(path, json=NIGHTLY).status_code == 409


def test_create__more_than_an_environment_may_have__is_refused(
    client: httpx.Client, path: str
) -> None:
    replies = [client.post(path, json=NIGHTLY | {"key": f"s{n}"}) for n in range(SCHEDULES + 1)]
    refused = next(reply for reply in replies if reply.status_code != 201)
    assert refused.status_code == 400
    assert f"has {SCHEDULES} export schedules" in refused.json()["message"]
    assert client.get(path).json()["totalCount"] <= SCHEDULES


def test_create__of_a_standard_segment__is_refused(client: httpx.Client) -> None:
    path = f"{SEGMENTS}/{create_segment(client, big=False)}/export-schedules"
    assert client.post(path, json=NIGHTLY).status_code == 400


def test_patch__of_another_version_or_nothing__changes_nothing(
    client: httpx.Client, path: str
) -> None:
    made = _create(client, path)
    assert client.patch(f"{path}/nightly", json={"paused": True, "version": 2}).status_code == 412
    assert client.patch(f"{path}/nightly", json={}).status_code == 400
    assert client.patch(f"{path}/nightly", json={"version": 1}).status_code == 400
    assert client.get(f"{path}/nightly").json() == made


def test_patch__many_at_once__each_has_a_version_of_its_own(
    client: httpx.Client, path: str
) -> None:
    _create(client, path)
    with ThreadPoolExecutor(4) as threads:
        replies = [
            *threads.map(
                lambda n: client.patch(f"{path}/nightly", json={"keepLast": n}), range(1, 9)
            )
        ]
    assert sorted(reply.json()["version"] for reply in replies) == [*range(2, 10)]


def test_patch__destination_is_no_longer_allowed__can_be_paused_and_not_pointed_elsewhere(
    client: httpx.Client, store: Store, path: str
) -> None:
    segment = store.segments.get(PRODUCTION, path.split("/")[-2])
    _create(client, path)
    stored = store.export_schedules.get(segment.ref, "nightly")
    options = ExportOptions(destination="s3://elsewhere/")
    assert store.export_schedules.replace(stored, replace(stored.value, options=options))

    assert client.patch(f"{path}/nightly", json={"paused": True}).json()["paused"]
    other = {"export": {"destination": "s3://elsewhere/{date}"}}
    reply = client.patch(f"{path}/nightly", json=other)
    assert "BIGSEG_S3_DESTINATIONS" in assert_refused(reply, 400, "invalid_request")


def test_run__now__is_an_export_and_a_run_once_for_each_key(
    client: httpx.Client, path: str, store: Store
) -> None:
    made = _create(client, path, paused=True, export={"format": "parquet"})
    headers = {"Idempotency-Key": "once"}
    first, again = (client.post(f"{path}/nightly/run", headers=headers) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    export = client.get(first.headers["Location"]).json()
    assert export["format"] == "parquet"
    shown = client.get(f"{path}/nightly").json()
    (run,) = shown["runs"]
    assert (run["exportId"], run["cause"], run["status"]) == (export["id"], "manual", "running")
    assert (shown["version"], shown["nextRunAt"]) == (made["version"], made["nextRunAt"])
    assert shown["_links"]["lastExport"]["href"] == first.headers["Location"]
    other = client.post(f"{path}/nightly/run").json()["exportId"]
    assert other != export["id"]
    segment = path.split("/")[-2]
    assert {one.request.ref.job_id for one in jobs_of(store, segment)} == {export["id"], other}


def test_segment__deleted_and_made_again__has_none(client: httpx.Client, path: str) -> None:
    _create(client, path)
    segment = path.removesuffix("/export-schedules")
    client.delete(segment)
    assert client.get(path).status_code == 404
    key = segment.rpartition("/")[2]
    client.post(SEGMENTS, json={"key": key, "name": key, "unbounded": True})
    assert client.get(path).json()["items"] == []


def test_changes__of_a_schedule__are_in_the_audit_log(client: httpx.Client, path: str) -> None:
    _create(client, path)
    client.patch(f"{path}/nightly", json={"paused": True})
    client.post(f"{path}/nightly/run")
    client.delete(f"{path}/nightly")
    key = path.removesuffix("/export-schedules").rpartition("/")[2]
    spec = f"proj/default:env/production:segment/{key}"
    entries = client.get("/api/v2/auditlog", params={"spec": spec, "limit": 20}).json()["items"]
    actions = [one["accesses"][0]["action"] for one in reversed(entries)]
    assert actions[1:] == [
        "createBigSegmentExportSchedule",
        "updateBigSegmentExportSchedule",
        "createBigSegmentExport",
        "deleteBigSegmentExportSchedule",
    ]
