"""The object store between the workers and a list misbehaves."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.support.proxies.hostile import Fault, HostileProxy, Request, running_hostile_proxy
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import wait_until
from tests.support.store.jobs import jobs_of
from tests.support.systems.driving import (
    BigSegment,
    assert_nothing_left,
    csv_of,
    new_segment,
    put_list,
    random_keys,
)
from tests.support.systems.system import System, running_system
from worker.store import ImportRequest, SourceFile, admit_import

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import StorageClassType

KEYS = random_keys(12_000, 7)
OLD = ["ada", "bob"]


@pytest.fixture(scope="module")
def proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as running:
        yield running


@pytest.fixture(scope="module")
def system(s3_server: ObjectServer, proxy: HostileProxy) -> Iterator[System]:
    settings = {
        "BIGSEG_S3_ENDPOINT": proxy.endpoint,
        "BIGSEG_S3_ENCRYPTION": "AES256",
        "BIGSEG_S3_TIMEOUT_S": "1",
        "BIGSEG_UNIT_TRIES": "3",
    }
    with running_system(s3_server, worker_settings=settings) as running:
        yield running


@pytest.fixture
def segment(system: System, proxy: HostileProxy) -> Iterator[BigSegment]:
    segment = new_segment(system)
    segment.edit(add=OLD)
    yield segment
    assert not proxy.faults, "not all faults came up"
    assert_nothing_left(system, segment)
    segment.delete()


@pytest.mark.parametrize("ending", ["close", "reset", "stall"])
def test_stream__cut_in_the_middle_of_a_chunk__resumed(
    segment: BigSegment, proxy: HostileProxy, ending: str
) -> None:
    source = put_list(segment.system, csv_of([*KEYS, *KEYS[:30], ""]))
    proxy.faults += [
        Fault(path_part=source, body_bytes=60_000, ending=ending)  # type: ignore[arg-type]  # one of its literals
        for _ in range(3)
    ]
    report = segment.completed(segment.import_source(source, "replace"))
    assert (report["rowsRead"], report["duplicates"], report["rejected"]) == (12_031, 30, 1)
    assert segment.members() == set(KEYS)


def test_service__refusing_for_a_while__import_waits_for_it(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    source = put_list(segment.system, csv_of(KEYS))
    # As often as the driver and the range reader ask, and once more: the unit is given back.
    busy = [Fault(path_part=source, status=503, code="SlowDown") for _ in range(14)]
    proxy.faults += busy
    report = segment.completed(segment.import_source(source))
    assert report["membersAfter"] == len(KEYS) + len(OLD)


def test_spill__write_unheard_or_read_cut__import_is_exact(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    source = put_list(segment.system, csv_of(KEYS))
    proxy.faults += [
        Fault("PUT", path_part="/spills/", drop_reply=True),
        Fault("PUT", path_part="/spills/", status=500, code="InternalError"),
        Fault("GET", path_part="/spills/", body_bytes=100),
        Fault("GET", path_part="/spills/", status=500, code="InternalError"),
    ]
    report = segment.completed(segment.import_source(source, "replace"))
    assert report["membersAfter"] == len(KEYS)
    assert segment.members() == set(KEYS)


def test_list__changed_between_two_chunks__stopped_and_live_list_untouched(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    name = "changing.csv"
    source = put_list(segment.system, csv_of(KEYS), name)
    changed: list[str] = []

    def change(_: object) -> None:
        asked = [request for request in proxy.of_method("GET") if source in request.line]
        if not changed and any(request.first_byte > 0 for request in asked):
            changed.append(put_list(segment.system, csv_of(KEYS[:-1]), name))

    proxy.requests.clear()
    proxy.before_reply = change
    try:
        reason = segment.stopped(segment.import_source(source, "replace"))
    finally:
        proxy.before_reply = lambda _: None
    assert "list changed" in reason
    assert segment.members() == set(OLD)
    assert segment.counted() == len(OLD)


def test_cancel__while_it_is_planned__ends_it_and_the_list_stays(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    system, source = segment.system, put_list(segment.system, csv_of(KEYS))
    seen: list[tuple[str, int]] = []

    def cancel(request: Request) -> None:
        if source in request.line and not seen:
            (job,) = jobs_of(system.store, segment.ref.segment)
            path = f"{segment.path}/imports/{job.request.ref.job_id}"
            seen.append((job.stage, system.http.delete(path).status_code))

    proxy.before_reply = cancel
    try:
        reason = segment.stopped(segment.import_source(source, "replace"))
        # The import may be seen to end before its own cancel is answered.
        wait_until(lambda: bool(seen), "the cancel is answered")
    finally:
        proxy.before_reply = lambda _: None
    assert seen == [("plan", 200)]
    assert reason == "cancelled by admin token"
    assert segment.members() == set(OLD)


def test_source__gone_before_or_during_the_import__stopped_with_that_reason(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    system = segment.system
    reason = segment.stopped(segment.import_source("lists/never-there.csv", "replace"))
    assert reason.startswith("there is no object s3://")
    source = put_list(system, csv_of(KEYS))

    def delete(_: object) -> None:
        asked = [request for request in proxy.of_method("GET") if source in request.line]
        if any(request.first_byte > 0 for request in asked):
            system.objects.delete(source)

    proxy.requests.clear()
    proxy.before_reply = delete
    try:
        reason = segment.stopped(segment.import_source(source, "replace"))
    finally:
        proxy.before_reply = lambda _: None
    assert "the source is gone" in reason
    assert source in reason
    assert segment.members() == set(OLD)


def test_bucket__out_of_reach_all_along__stopped_after_its_tries(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    source = put_list(segment.system, csv_of(KEYS))
    proxy.faults += [Fault("HEAD", path_part=source, status=503, code="SlowDown")] * 200
    reason = segment.stopped(segment.import_source(source, "replace"))
    proxy.faults.clear()
    assert "gave up after 3 tries at plan" in reason
    assert "503" in reason
    assert segment.members() == set(OLD)


def test_tidying_up__bucket_out_of_reach__done_when_it_is_back(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    proxy.faults += [Fault("DELETE", path_part="/uploads/", status=503, code="SlowDown")] * 7
    segment.completed(segment.upload(csv_of(KEYS), "replace"))
    wait_until(lambda: not proxy.faults, "the worker has tried again", 60)
    assert_nothing_left(segment.system, segment)


def test_service__of_fewer_requests_and_more_policy__import_and_export_leave_nothing(
    segment: BigSegment, proxy: HostileProxy
) -> None:
    refused: list[str] = []

    def refuse(request: Request) -> Fault | None:
        """Take no ``POST ?delete``, and no write that does not ask for encryption."""
        makes = request.line.startswith("PUT ") and "partNumber" not in request.line
        makes = makes or (request.line.startswith("POST ") and "?uploads" in request.line)
        if "?delete" in request.line or (
            makes and "x-amz-server-side-encryption" not in request.headers
        ):
            refused.append(request.line)
            return Fault(status=501 if "?delete" in request.line else 403)
        return None

    proxy.rule = refuse
    try:
        segment.completed(segment.upload(csv_of(KEYS), "replace"))
        assert segment.members() == set(KEYS)
        assert_nothing_left(segment.system, segment)
    finally:
        proxy.rule = lambda _: None
    assert refused
    assert all("?delete" in line for line in refused)


@pytest.mark.parametrize(
    ("name", "storage", "reason"),
    [
        ("archived.csv", "GLACIER", "restore it first"),
        ("folder/", "STANDARD", "is a folder, not a list"),
    ],
)
def test_source__that_became_unreadable_after_its_import_was_admitted__stopped_with_the_reason(
    segment: BigSegment, name: str, storage: "StorageClassType", reason: str
) -> None:
    system = segment.system
    source = SourceFile(system.bucket, f"lists/{name}", name, uploaded=False)
    with closing(boto3.client("s3", endpoint_url=system.s3_endpoint)) as s3:
        s3.put_object(Bucket=system.bucket, Key=source.key, StorageClass=storage)
    request = ImportRequest(
        str(uuid.uuid4()), segment.ref, "merge", (source,), allow_empty=False, created_ms=1
    )
    admit_import(system.store, request)

    assert reason in segment.stopped(request.import_id)
    assert segment.members() == set(OLD)
