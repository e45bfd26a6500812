"""A list taken all the way by the client that openapi-python-client makes of the document.

``python round.py BASE_URL TOKEN SEGMENT SOURCE`` prints what came of it as one JSON object.
"""

import json
import sys
import time
from io import BytesIO
from uuid import UUID

from bigseg_client import AuthenticatedClient
from bigseg_client.api.segments import (
    create_big_segment_export,
    create_big_segment_import,
    create_big_segment_import_from_source,
    download_big_segment_export,
    get_big_segment_export,
    get_big_segment_import,
    get_segment_membership_for_context,
    post_segment,
)
from bigseg_client.api.vercel_segments import (
    create_flag_segment,
    delete_flag_segment,
    evaluate_flag_segments,
)
from bigseg_client.models import (
    BigSegmentTarget,
    CreateBigSegmentExportBody,
    CreateBigSegmentImportBody,
    CreateBigSegmentImportBodyMode,
    ExportRepresentation,
    ImportRepresentation,
    NewSegmentBody,
    SourceBody,
    UserSegment,
    VercelEvaluationBody,
    VercelEvaluationRepresentation,
    VercelNewSegmentBody,
    VercelSegmentRepresentation,
)
from bigseg_client.types import File

ADDRESS = ("default", "production")
ENDS = ("complete", "stopped")
POLL_S = 0.1


def _imported(client: AuthenticatedClient, segment: str, import_id: str) -> ImportRepresentation:
    while True:
        job = get_big_segment_import.sync(*ADDRESS, segment, UUID(import_id), client=client)
        assert isinstance(job, ImportRepresentation), job
        if job.status in ENDS:
            return job
        time.sleep(POLL_S)


def _exported(client: AuthenticatedClient, segment: str) -> ExportRepresentation:
    body = CreateBigSegmentExportBody()
    job = create_big_segment_export.sync(*ADDRESS, segment, client=client, body=body)
    while True:
        assert isinstance(job, ExportRepresentation), job
        if job.status in ENDS:
            return job
        time.sleep(POLL_S)
        job = get_big_segment_export.sync(*ADDRESS, segment, UUID(job.id), client=client)


def _includes(client: AuthenticatedClient, segment: str, key: str) -> bool:
    target = get_segment_membership_for_context.sync(*ADDRESS, segment, key, client=client)
    assert isinstance(target, BigSegmentTarget), target
    return target.included


def _matched(client: AuthenticatedClient, slug: str) -> list[bool]:
    """Create a segment of Vercel's dialect, evaluate it, and delete it."""
    data = {"include": {"user": {"id": [{"value": "u1"}]}}}
    new = VercelNewSegmentBody.from_dict({"slug": slug, "label": "", "hint": "", "data": data})
    made = create_flag_segment.sync("default", client=client, body=new)
    assert isinstance(made, VercelSegmentRepresentation), made
    asked = {"entities": {"user": {"id": "u1"}}, "segments": [made.id]}
    found = evaluate_flag_segments.sync(
        "default", client=client, body=VercelEvaluationBody.from_dict(asked)
    )
    assert isinstance(found, VercelEvaluationRepresentation), found
    deleted = delete_flag_segment.sync_detailed("default", slug, client=client)
    assert deleted.status_code == 204, deleted
    return [one.matched for one in found.data]


def main(base_url: str, token: str, segment: str, source: str) -> None:
    client = AuthenticatedClient(base_url=base_url, token=token, prefix="")
    new = NewSegmentBody(key=segment, name="Generated", unbounded=True)
    made = post_segment.sync(*ADDRESS, client=client, body=new)
    assert isinstance(made, UserSegment), made
    form = CreateBigSegmentImportBody(
        file=File(payload=BytesIO(b"alice\nbob\n"), file_name="list.csv"),
        mode=CreateBigSegmentImportBodyMode.REPLACE,
    )
    started = create_big_segment_import.sync_detailed(*ADDRESS, segment, client=client, body=form)
    uploaded = _imported(client, segment, started.headers["Location"].rpartition("/")[2])
    where = SourceBody(source=source)
    accepted = create_big_segment_import_from_source.sync(
        *ADDRESS, segment, client=client, body=where
    )
    assert isinstance(accepted, ImportRepresentation), accepted
    merged = _imported(client, segment, accepted.id)
    exported = _exported(client, segment)
    file = download_big_segment_export.sync(*ADDRESS, segment, UUID(exported.id), client=client)
    outcome = {
        "created": made.creation_date,
        "accepted": [one.report and one.report.accepted for one in (uploaded, merged)],
        "included": {key: _includes(client, segment, key) for key in ("alice", "é/?", "zoe")},
        "sizeBytes": exported.size_bytes,
        "exported": file,
        "matched": _matched(client, segment),
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(*sys.argv[1:])
