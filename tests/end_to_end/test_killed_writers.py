"""Writers that died in the middle of a file leave nothing in the bucket."""

from collections.abc import Sequence

import boto3

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, csv_of, new_segment, random_keys
from tests.support.systems.system import System
from worker.objects.layout import export_key, spill_key

KEYS = random_keys(8_000, 3)


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
