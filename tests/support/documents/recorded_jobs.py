"""Records imports and exports; a worker does them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recorded_segments import BIG, ENVIRONMENT, NEW, record_instruction
from tests.support.documents.recorded_uploads import OF_SEGMENTS, record_uploads
from tests.support.documents.recording import Keep, Recorder
from tests.support.systems.parts import Part

#: Rows that a slow worker needs some seconds for.
_SLOW_ROWS: Final = 20_000
_REJECTED: Final = "downloadBigSegmentImportRejectedRows"
_PLACES: Final = {
    "getBigSegmentImport": ("imports", "importID"),
    "getBigSegmentExport": ("exports", "exportID"),
}

#: 2020 to 2100, Unix ms.
PERIOD: Final = {"after": 1_577_836_800_000, "before": 4_102_444_800_000}

Path = Mapping[str, str]
RunningWorker = Callable[[], AbstractContextManager[Part]]


def record_jobs(recorder: Recorder, writer: httpx.Client, running_worker: RunningWorker) -> None:
    """Leaves an import and an export of the big segment that are complete."""
    ask = recorder.ask
    imported = _start_import(recorder, writer)
    exported, *others = _start_exports(recorder, writer)
    ask("getBigSegmentImport", "accepted", path=imported)
    ask("downloadBigSegmentExport", path=exported, status=404)
    ask(_REJECTED, path=imported, status=404)
    with running_worker() as worker:
        recorder.normaliser.begin_step()  # all end in it, whichever is seen first
        _await(recorder, "getBigSegmentImport", imported, "complete")
        for path in (exported, *others):
            _await(recorder, "getBigSegmentExport", path, "complete")
        ask("getBigSegmentImport", "complete", path=imported)
        ask("getBigSegmentExport", "complete", path=exported)
        ask("getBigSegmentImportFiles", "all", path=imported, query={"limit": 10, "offset": 0})
        ask("getBigSegmentImportFiles", path=imported, query={"limit": 0}, status=400)
        _record_uploads(recorder, worker)
        _record_direct_upload(recorder, worker)
        _record_composition(recorder, worker)
        _record_slow_import(recorder, worker)
    ask("cancelBigSegmentImport", path=imported, status=409)
    ask("streamBigSegmentImport", "one that has ended", path=imported, lines="event: ")
    page: dict[str, Any] = {"limit": 2, "offset": 1, **PERIOD}
    environments = "getBigSegmentImportsForEnvironment"
    stopped = {**page, "offset": 0, "filter": 'status equals "stopped",mode anyOf ["replace"]'}
    ask(environments, "a page", path=ENVIRONMENT, query=stopped)
    ask(environments, path=ENVIRONMENT, query={"filter": "size equals 3"}, status=400)
    merged = {**page, "filter": 'mode equals "merge"'}
    ask("getBigSegmentImports", "a page", path=BIG, query=merged)
    by_key = {"idempotencyKey": "nightly-2026-03-01"}
    ask("getBigSegmentImports", "of a request", path=BIG, query=by_key, client=writer)
    ask("getBigSegmentImports", path=BIG, query={"limit": 101}, status=400)
    record_file(recorder, "downloadBigSegmentExport", exported, {"part": 1})
    _record_exports(recorder, exported)


def _record_exports(recorder: Recorder, exported: Path) -> None:
    """Files, lists, and the end of another export."""
    ask, files = recorder.ask, "getBigSegmentExportFiles"
    links = {"expiresIn": 3_600, "limit": 10, "offset": 0}
    ask(files, "with URLs", path=exported, query=links)
    ask(files, path=exported, query={"expiresIn": 0}, status=400)
    page: dict[str, Any] = {"limit": 1, "offset": 0, **PERIOD}
    complete = {**page, "filter": 'status equals "complete",format equals "csv"'}
    for operation, path in (
        ("getBigSegmentExports", BIG),
        ("getBigSegmentExportsForEnvironment", ENVIRONMENT),
    ):
        ask(operation, "a page", path=path, query=complete)
        ask(operation, path=path, query={"filter": "size equals 3"}, status=400)
    another = ask("createBigSegmentExport", path=BIG, body={}, keep="nothing").json()["id"]
    ask("cancelBigSegmentExport", "queued", path={**BIG, "exportID": another})
    ask(files, path={**BIG, "exportID": another}, status=404)


def record_file(
    recorder: Recorder, operation_id: str, path: Path, query: Mapping[str, Any] | None = None
) -> None:
    """Download a file whole and in part, and what is refused."""
    ask = recorder.ask
    etag = ask(operation_id, "csv", path=path, query=query).headers["ETag"]
    part = {"Range": "bytes=0-13", "If-Range": etag, "If-None-Match": '"of-another-file"'}
    ask(operation_id, "csv", path=path, headers=part, status=206)
    ask(operation_id, path=path, headers={"If-None-Match": etag}, status=304, keep="answer")
    ask(operation_id, path=path, headers={"Range": "bytes=1000-"}, status=416)


def record_inbox(recorder: Recorder) -> None:
    """Events of a bucket that is not there."""
    ask, post = recorder.ask, "postInboxEvents"
    key = f"inbox/{names.PROJECT}/{names.ENVIRONMENT}/{BIG['segmentKey']}/merge/2026+03.csv"
    made = {"bucket": {"name": names.INBOX_BUCKET}, "object": {"key": key}}
    record = {"eventName": "ObjectCreated:Put", "s3": made}
    ask(post, "S3", body={"Records": [record, record | {"eventName": "s3:TestEvent"}]}, status=202)
    ask(post, body={"colour": "red"}, status=400)


def _start_import(recorder: Recorder, writer: httpx.Client) -> Path:
    ask, start = recorder.ask, "createBigSegmentImportFromSource"
    source = {"source": f"{names.SOURCES}customers.csv", "mode": "merge"}
    key = {"Idempotency-Key": "nightly-2026-03-01"}
    asked: dict[str, Any] = {"path": BIG, "headers": key, "client": writer}
    reply = ask(start, "list in S3", **asked, body=source, status=202)
    ask(start, **asked, body={**source, "mode": "replace"}, status=422)
    ask(start, path=BIG, body=source, status=409)
    ask(start, path=BIG, body={"source": "s3://elsewhere/customers.csv"}, status=400)
    _upload(recorder, "upload", status=409)
    return {**BIG, "importID": reply.json()["id"]}


def _start_exports(recorder: Recorder, writer: httpx.Client) -> list[Path]:
    ask, start = recorder.ask, "createBigSegmentExport"
    key = {"Idempotency-Key": "weekly-2026-09"}
    asked: dict[str, Any] = {"path": BIG, "headers": key, "client": writer}
    reply = ask(start, "csv", **asked, body={"format": "csv"})
    ask(start, **asked, body={"format": "parquet"}, status=422)
    columns = ask(start, "parquet", path=BIG, body={"format": "parquet"})
    options = {"compression": "gzip", "profile": "spreadsheet", "header": True}
    label, body = "parts for spreadsheets", {**options, "partRows": 1_000_000}
    sheets = ask(start, label, path=BIG, body=body)
    side = {"side": "both", "format": "jsonl", "destination": "s3://elsewhere/exports/"}
    ask(start, path=BIG, body=side, status=400)
    ask(start, path=BIG, body={"format": "json"}, status=400)
    return [{**BIG, "exportID": started.json()["id"]} for started in (reply, columns, sheets)]


def _record_uploads(recorder: Recorder, worker: Part) -> None:
    ask, get = recorder.ask, "getBigSegmentImport"
    merged = _upload_held(recorder, worker, "upload", mode="merge")
    _await(recorder, get, merged, "complete")
    _upload(recorder, "upload", status=422, mode="replace")
    _upload(recorder, "unknown field", status=400, colour="red")
    replacing: dict[str, Any] = {"mode": "replace", "waitOnApprovals": False}
    label = "upload that replaces the list"
    replaced = _upload_held(recorder, worker, label, **replacing, allowShrink=True)
    _await(recorder, get, replaced, "complete")
    nothing: dict[str, Any] = {"keep": "nothing", "file": "\n", "mode": "replace"}
    empty = _upload_held(recorder, worker, "empty", **nothing)
    _await(recorder, get, empty, "stopped")
    ask(get, "stopped", path=empty)
    record_file(recorder, _REJECTED, empty)
    trying: dict[str, Any] = {"file": "customer-9999\n", "mode": "replace", "dryRun": True}
    tried = _upload_held(recorder, worker, "dry run", maxShrinkShare=0.5, **trying)
    _await(recorder, get, tried, "complete")
    ask(get, "dry run", path=tried)
    ask("getBigSegmentImportPreview", "dry run", path=tried)
    label = "upload that waits for its approval"
    waiting = _upload_held(recorder, worker, label, waitOnApprovals=True)
    _await(recorder, get, waiting, "pending_approval")
    ask(get, "waits for its approval", path=waiting)
    preview = "getBigSegmentImportPreview"
    ask(preview, "waits for its approval", path=waiting)
    ask(preview, path=replaced, status=404)
    with worker.held():  # it may publish before this process goes on
        with recorder.about("segments"):
            approval = {"kind": "processBigSegmentImport", "importId": waiting["importID"]}
            record_instruction(recorder, approval, BIG)
        recorder.normaliser.begin_step()
    _await(recorder, get, waiting, "complete")
    _record_revisions(recorder)


def _record_direct_upload(recorder: Recorder, worker: Part) -> None:
    ask, start = recorder.ask, "createBigSegmentImportFromUploads"
    upload_id = record_uploads(recorder, OF_SEGMENTS, BIG, {})
    body = {"uploads": [upload_id], "mode": "merge"}
    key = {"Idempotency-Key": "direct-2026-03-01"}
    asked: dict[str, Any] = {"path": BIG, "headers": key}
    with worker.held():
        reply = ask(start, "one upload", **asked, body=body, status=202)
        ask(start, **asked, body={**body, "mode": "replace"}, status=422)
        ask(start, path=BIG, body=body, status=409)
        ask(start, path=BIG, body={"uploads": []}, status=400)
        recorder.normaliser.begin_step()
    imported = {**BIG, "importID": reply.json()["id"]}
    _await(recorder, "getBigSegmentImport", imported, "complete")
    ask("getBigSegmentUpload", path={**BIG, "uploadID": upload_id}, status=404)


def _record_composition(recorder: Recorder, worker: Part) -> None:
    ask, start = recorder.ask, "composeBigSegment"
    made = [NEW["segmentKey"], names.OTHER_BIG_SEGMENT]
    for key in made:
        new = {"key": key, "name": "New", "unbounded": True, "unboundedContextKind": "customer"}
        ask("postSegment", path=ENVIRONMENT, body=new, status=201, keep="nothing")
    sources = [BIG["segmentKey"], names.OTHER_BIG_SEGMENT]
    body = {"op": "except", "segments": sources, "mode": "replace"}
    asked: dict[str, Any] = {"path": NEW, "headers": {"Idempotency-Key": "active-2026-03-01"}}
    with worker.held():
        reply = ask(start, "those of one and not of another", **asked, body=body, status=202)
        ask(start, **asked, body={**body, "mode": "merge"}, status=422)
        ask(start, path=NEW, body=body, status=409)
        ask(start, path=NEW, body={**body, "segments": []}, status=400)
        recorder.normaliser.begin_step()
    composed = {**NEW, "importID": reply.json()["id"]}
    _await(recorder, "getBigSegmentImport", composed, "complete")
    ask("getBigSegmentImport", "composition", path=composed)
    for key in made:
        path = {**ENVIRONMENT, "segmentKey": key}
        ask("deleteSegment", path=path, status=204, keep="nothing")


def _record_revisions(recorder: Recorder) -> None:
    """Go back by one import; the lists of both are the same."""
    ask, publish = recorder.ask, "publishBigSegmentRevision"
    live, earlier = ask("getBigSegmentRevisions", "all", path=BIG).json()["items"][:2]
    ask(publish, "without edits", path={**BIG, "number": str(earlier["number"])}, body={})
    edit = {"included": {"add": ["customer-9012"]}}
    edits = "updateBigSegmentContextTargets"
    ask(edits, path=BIG, body=edit, status=204, keep="nothing")
    back = {**BIG, "number": str(live["number"])}
    ask(publish, path=back, body={"force": False}, status=409)
    ask(publish, "although there are edits", path=back, body={"force": True})


def _record_slow_import(recorder: Recorder, worker: Part) -> None:
    """One that is seen at work, and cancelled."""
    ask = recorder.ask
    new = {"key": NEW["segmentKey"], "name": "New", "unbounded": True}
    ask("postSegment", path=ENVIRONMENT, body=new, status=201, keep="nothing")
    keys = "".join(f"customer-{number:06}\n" for number in range(_SLOW_ROWS))
    started = _upload_held(recorder, worker, "slow", path=NEW, keep="nothing", file=keys)
    _await(recorder, "getBigSegmentImport", started, "in_progress", stage="gather")
    ask("getBigSegmentImport", "at work", path=started)
    ask("cancelBigSegmentImport", "at work", path=started)
    ask("deleteSegment", path=NEW, status=204)


def _upload(
    recorder: Recorder,
    label: str,
    path: Path = BIG,
    *,
    status: int = 204,
    keep: Keep = "all",
    **fields: Any,
) -> Path:
    reply = recorder.ask(
        "createBigSegmentImport",
        None if status >= 400 else label,
        path=path,
        body={"file": "customer-1234\ncustomer-5678\n", **fields},
        media_type="multipart/form-data",
        headers={"Idempotency-Key": label.replace(" ", "-")},
        status=status,
        keep=keep,
    )
    return {**path, "importID": reply.headers.get("Location", "").rpartition("/")[2]}


def _upload_held(recorder: Recorder, worker: Part, label: str, **fields: Any) -> Path:
    """Upload, and begin the next step before the worker can: it may end in the same moment."""
    with worker.held():
        started = _upload(recorder, label, **fields)
        recorder.normaliser.begin_step()
    return started


def _await(
    recorder: Recorder,
    operation_id: str,
    path: Path,
    status: str,
    **fields: str,
) -> None:
    """Wait until a job has this status and these fields, in a step that has begun."""
    jobs, name = _PLACES[operation_id]
    url = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}".format(**path)
    wanted = {"status": status, **fields}
    recorder.wait(
        lambda: recorder.client.get(f"{url}/{jobs}/{path[name]}"),
        lambda job: all(job[name] == value for name, value in wanted.items()),
    )
