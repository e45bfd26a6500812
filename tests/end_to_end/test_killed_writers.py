"""Writers that died in the middle of a file leave nothing in the bucket."""

from collections.abc import Sequence

import boto3

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, csv_of, new_segment, random_keys
from tests.support.systems.system import System
from worker.objects.layout import export_key, spill_key

KEYS = random_keys(8_000, 3)
#: Enough parts to be killed between them.
MANY = random_keys(40_000, 4)


def _leave_upload(system: System, key: str) -> None:
    """Begin a multipart upload as a writer does that is killed before its end."""
    client = boto3.client("s3", endpoint_url=system.s3_endpoint, region_name="us-east-1")
    started = client.create_multipart_upload(Bucket=system.bucket, Key=key)
    client.upload_part(
        Bucket=system.bucket, Key=key, UploadId=started["UploadId"], PartNumber=1, Body=b"half"
    )
    client.close()
    assert key in system.open_uploads()


def _owner(key: str) -> Sequence[str]:
    return ("default", "production", key)


def test_spill__half_written_by_a_killed_worker__is_gone_at_the_end(system: System) -> None:
    segment = new_segment(system)
    system.worker.kill()
    import_id = segment.upload(csv_of(KEYS))
    owner = _owner(segment.ref.segment)
    _leave_upload(system, spill_key(owner, import_id, chunk=0, attempt="dead"))
    with system.objects.open_writer(spill_key(owner, import_id, chunk=0, attempt="late")) as spill:
        spill.write(b"a whole one, of a try that nobody heard of")
    system.worker.start()
    assert segment.completed(import_id)["membersAfter"] == len(KEYS)
    wait_until(lambda: not system.open_uploads(), "the upload is aborted", LIMIT_S)


def test_export__half_written_by_a_killed_worker__is_written_by_the_next(system: System) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(KEYS)))
    system.worker.kill()
    location = system.http.post(f"{segment.path}/exports", json={}).headers["location"]
    export_id = location.rpartition("/")[2]
    owner = _owner(segment.ref.segment)
    _leave_upload(system, export_key(owner, export_id, "dead.csv"))
    system.worker.start()
    wait_until(lambda: system.http.get(location).json()["status"] == "complete", "its end", LIMIT_S)
    assert set(system.http.get(f"{location}/download").text.split()) == set(KEYS)
    wait_until(lambda: not system.open_uploads(), "the upload is aborted", LIMIT_S)


def test_export__worker_killed_between_parts__each_key_is_there_once_and_comes_back(
    system: System,
) -> None:
    segment, again = new_segment(system), new_segment(system)
    segment.completed(segment.upload(csv_of(MANY)))
    folder = f"lists/exports/{segment.ref.segment}/"
    body = {"partRows": 1_000, "destination": f"s3://{system.bucket}/{folder}"}
    location = system.http.post(f"{segment.path}/exports", json=body).headers["location"]

    def written() -> list[str]:
        return [info.key for info in system.objects.list_page(folder)[0]]

    wait_until(lambda: len(written()) >= 3, "some parts are written", LIMIT_S)
    system.worker.kill()
    assert len(written()) < len(MANY) / 1_000, "it was killed too late"
    system.worker.start()
    wait_until(lambda: system.http.get(location).json()["status"] == "complete", "its end", LIMIT_S)

    result = system.http.get(location).json()["result"]
    manifest = system.http.get(f"{location}/download").json()
    names = [entry["url"].removeprefix(f"s3://{system.bucket}/") for entry in manifest["entries"]]
    assert sorted(written()) == sorted(
        [*names, result["address"].partition(system.bucket + "/")[2]]
    )
    assert sum(entry["meta"]["record_count"] for entry in manifest["entries"]) == len(MANY)
    source = {"manifest": result["address"], "mode": "replace"}
    started = system.http.post(f"{again.path}/imports/from-source", json=source)
    report = again.completed(started.json()["id"])
    assert (report["added"], report["duplicates"]) == (len(MANY), 0)
