"""Records lists attached to a segment of Vercel's dialect, and evaluations; a worker does them."""

from collections.abc import Mapping
from typing import Any, Final

from tests.support.documents import names
from tests.support.documents.recorded_jobs import PERIOD, RunningWorker, record_file
from tests.support.documents.recorded_uploads import OF_LISTS, record_uploads
from tests.support.documents.recorded_vercel import NAMED, NAMING, PROJECT, TEAM, VERCEL
from tests.support.documents.recording import Keep, Recorder
from tests.support.systems.parts import Part

LIST: Final = {**NAMING, "side": "include", "kind": "user", "attribute": "id"}
#: Made to be deleted.
NEW_LIST: Final = {**LIST, "side": "exclude"}
SOURCE: Final = {"source": f"{names.SOURCES}customers.csv", "mode": "merge"}
#: One of the list, who is also in the segment that another one names.
ENTITIES: Final = {"user": {"id": names.MEMBER}, "team": {"id": "team-1"}}

Path = Mapping[str, str]

_REJECTED: Final = "downloadFlagSegmentListImportRejectedRows"
_PLACES: Final = {
    "getFlagSegmentListImport": ("imports", "importID"),
    "getFlagSegmentListExport": ("exports", "exportID"),
}


def record_lists(recorder: Recorder, running_worker: RunningWorker) -> None:
    """Leaves a list with an import and an export that are complete."""
    ask, get = recorder.ask, "getFlagSegmentListImport"
    imported, exported = _start_import(recorder), _start_export(recorder)
    ask(get, "accepted", path=imported)
    ask("downloadFlagSegmentListExport", path=exported, status=404)
    ask(_REJECTED, path=imported, status=404)
    ask("approveFlagSegmentListImport", path=imported, status=400)
    ask("listFlagSegmentLists", "a list whose first import runs", path=NAMING, query=TEAM)
    with running_worker() as worker:
        recorder.normaliser.begin_step()  # both end in it, whichever is seen first
        jobs = ((get, imported), ("getFlagSegmentListExport", exported))
        for operation, path in jobs:
            _await(recorder, operation, path, "complete")
        for operation, path in jobs:
            ask(operation, "complete", path=path, query=TEAM)
        files: dict[str, Any] = {**TEAM, "limit": 10, "offset": 0}
        ask("listFlagSegmentListImportFiles", "all", path=imported, query=files)
        _record_uploads(recorder, worker)
        _record_direct_upload(recorder, worker)
        with worker.held():
            cancelled = _upload(recorder, "to be cancelled", keep="nothing")
            ask("cancelFlagSegmentListImport", "queued", path=cancelled, query=TEAM)
    ask("cancelFlagSegmentListImport", path=imported, status=409)
    ended = "one that has ended"
    ask("streamFlagSegmentListImport", ended, path=imported, query=TEAM, lines="event: ")
    merged = {"status": "complete", "mode": "merge", "initiator": "admin token"}
    page: dict[str, Any] = {**TEAM, "limit": 1, "offset": 1, **merged, **PERIOD}
    ask("listFlagSegmentListImports", "a page", path=LIST, query=page)
    by_key = {"idempotencyKey": "nightly-2026-03-02"}
    ask("listFlagSegmentListImports", "of a request", path=LIST, query=by_key)
    ask("listFlagSegmentListImports", path=LIST, query={"limit": 101}, status=400)
    record_file(recorder, "downloadFlagSegmentListExport", exported, {**TEAM, "part": 1})
    _record_exports(recorder, exported)
    with recorder.about("segments", VERCEL):
        _record_evaluations(recorder)
    _upload(recorder, "to be deleted", NEW_LIST, keep="nothing")
    ask("deleteFlagSegmentList", path=NEW_LIST, query=TEAM, status=204)


def _start_import(recorder: Recorder) -> Path:
    ask, start = recorder.ask, "createFlagSegmentListImport"
    asked: dict[str, Any] = {"path": LIST, "headers": {"Idempotency-Key": "nightly-2026-03-02"}}
    reply = ask(start, "list in S3", **asked, query=TEAM, body=SOURCE, status=202)
    ask(start, **asked, body={**SOURCE, "mode": "replace"}, status=422)
    ask(start, path=LIST, body=SOURCE, status=409)
    ask(start, path=LIST, body={"source": "s3://elsewhere/customers.csv"}, status=400)
    return {**LIST, "importID": reply.json()["id"]}


def _start_export(recorder: Recorder) -> Path:
    ask, start = recorder.ask, "createFlagSegmentListExport"
    asked: dict[str, Any] = {"path": LIST, "headers": {"Idempotency-Key": "weekly-2026-10"}}
    reply = ask(start, "csv", **asked, query=TEAM, body={"format": "csv"}, status=202)
    ask(start, **asked, body={"format": "parquet"}, status=422)
    ask(start, path=LIST, body={"format": "json"}, status=400)
    return {**LIST, "exportID": reply.json()["id"]}


def _record_exports(recorder: Recorder, exported: Path) -> None:
    """Files, a list, and the end of another export."""
    ask, files, listing = (
        recorder.ask,
        "listFlagSegmentListExportFiles",
        "listFlagSegmentListExports",
    )
    links = {**TEAM, "expiresIn": 3_600, "limit": 10, "offset": 0}
    ask(files, "with URLs", path=exported, query=links)
    ask(files, path=exported, query={"expiresIn": 0}, status=400)
    which = {"status": "complete", "format": "csv", "initiator": "admin token"}
    page: dict[str, Any] = {**TEAM, "limit": 1, "offset": 0, **which, **PERIOD}
    ask(listing, "a page", path=LIST, query=page)
    ask(listing, path=LIST, query={"limit": 101}, status=400)
    start = "createFlagSegmentListExport"
    another = ask(start, path=LIST, body={}, status=202, keep="nothing").json()["id"]
    cancelled = {**LIST, "exportID": another}
    ask("cancelFlagSegmentListExport", "queued", path=cancelled, query=TEAM)


def _record_uploads(recorder: Recorder, worker: Part) -> None:
    ask, get = recorder.ask, "getFlagSegmentListImport"
    replacing: dict[str, Any] = {"mode": "replace", "allowShrink": True}
    with worker.held():  # it may end before this process goes on
        file = f"{names.MEMBER}\n\ncustomer-5678\n"
        replaced = _upload(recorder, "upload", file=file, **replacing)
        recorder.normaliser.begin_step()
    _await(recorder, get, replaced, "complete")
    record_file(recorder, _REJECTED, replaced, TEAM)
    with worker.held():
        waiting = _upload(recorder, "upload that waits for its approval", waitOnApprovals=True)
        recorder.normaliser.begin_step()
    _await(recorder, get, waiting, "pending_approval")
    ask(get, "waits for its approval", path=waiting)
    preview = "getFlagSegmentListImportPreview"
    ask(preview, "waits for its approval", path=waiting, query=TEAM)
    ask(preview, path=replaced, status=404)
    ask("listFlagSegmentLists", "a list whose next import waits", path=NAMING)
    publish = "publishFlagSegmentListRevision"
    ask(publish, path=_revisions(recorder)[1], body={}, status=409)
    with worker.held():
        ask("approveFlagSegmentListImport", "approved", path=waiting, query=TEAM, status=202)
        recorder.normaliser.begin_step()
    _await(recorder, get, waiting, "complete")
    live, earlier = _revisions(recorder)[:2]
    ask(publish, "without edits", path=earlier, query=TEAM, body={})
    ask(publish, path=live, body={"force": 1}, status=400)
    ask(publish, "back to the newest", path=live, body={"force": True})


def _record_direct_upload(recorder: Recorder, worker: Part) -> None:
    ask, start = recorder.ask, "createFlagSegmentListImport"
    upload_id = record_uploads(recorder, OF_LISTS, LIST, TEAM)
    body = {"uploads": [upload_id], "mode": "merge"}
    with worker.held():
        reply = ask(start, "direct upload", path=LIST, query=TEAM, body=body, status=202)
        recorder.normaliser.begin_step()
    imported = {**LIST, "importID": reply.json()["id"]}
    _await(recorder, "getFlagSegmentListImport", imported, "complete")


def _revisions(recorder: Recorder) -> list[Path]:
    """What can be published again, the live one first."""
    reply = recorder.ask("listFlagSegmentListRevisions", "all", path=LIST, query=TEAM)
    return [{**LIST, "number": str(revision["number"])} for revision in reply.json()["data"]]


def _record_evaluations(recorder: Recorder) -> None:
    ask, evaluate = recorder.ask, "evaluateFlagSegments"
    named = {"segments": [NAMED["segmentIdOrSlug"]], "seed": 7}
    ask(evaluate, "all segments", path=PROJECT, query=TEAM, body={"entities": ENTITIES})
    ask(evaluate, "one segment", path=PROJECT, body={"entities": ENTITIES, **named})
    ask(evaluate, path=PROJECT, body={"segments": ["no-such-segment"]}, status=404)
    ask(evaluate, path=PROJECT, body={"entities": []}, status=400)


def _upload(
    recorder: Recorder, label: str, path: Path = LIST, *, keep: Keep = "all", **fields: Any
) -> Path:
    reply = recorder.ask(
        "createFlagSegmentListImport",
        label,
        path=path,
        body={"file": f"{names.MEMBER}\ncustomer-5678\n", **fields},
        media_type="multipart/form-data",
        status=202,
        keep=keep,
    )
    return {**path, "importID": reply.json()["id"]}


def _await(recorder: Recorder, operation_id: str, path: Path, status: str) -> None:
    """Wait until a job has this status, in a step that has begun."""
    jobs, name = _PLACES[operation_id]
    listed = "/v1/projects/{projectIdOrName}/feature-flags/segments/{segmentIdOrSlug}/lists"
    url = f"{listed}/{{side}}/{{kind}}/{{attribute}}".format(**path)
    recorder.wait(
        lambda: recorder.client.get(f"{url}/{jobs}/{path[name]}"),
        lambda job: bool(job["status"] == status),
    )
