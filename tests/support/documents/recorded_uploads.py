"""Records direct uploads, in either dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recording import Recorder
from tests.support.servers.plain_http import NO_ROOTS

#: Uploads of one environment that the instance takes: enough for made-up requests.
OPEN_UPLOADS: Final = 40
#: Those that the recording leaves, one open and one complete.
_KEPT: Final = 2
_CONTENT: Final = f"{names.MEMBER}\ncustomer-5678\n".encode()

Path = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UploadOperations:
    """What a dialect calls the operations on uploads."""

    start: str
    list: str
    get: str
    parts: str
    complete: str
    delete: str


OF_SEGMENTS: Final = UploadOperations(
    "createBigSegmentUpload",
    "getBigSegmentUploads",
    "getBigSegmentUpload",
    "getBigSegmentUploadParts",
    "completeBigSegmentUpload",
    "deleteBigSegmentUpload",
)
OF_LISTS: Final = UploadOperations(
    "createFlagSegmentListUpload",
    "listFlagSegmentListUploads",
    "getFlagSegmentListUpload",
    "getFlagSegmentListUploadParts",
    "completeFlagSegmentListUpload",
    "deleteFlagSegmentListUpload",
)


def record_uploads(
    recorder: Recorder, operations: UploadOperations, path: Path, team: Mapping[str, str]
) -> str:
    """Leaves an upload that is open; gives the id of one that is complete.

    Args:
        recorder: asks and records.
        operations: of the dialect.
        path: of the list.
        team: parameters that each request of the dialect may have.
    """
    ask = recorder.ask
    body: dict[str, Any] = {"filename": "pipe"}
    piped = ask(operations.start, "size unknown", path=path, query=team, body=body, status=201)
    # First: it is the one that the document shows.
    still_open = {**path, "uploadID": piped.json()["id"]}
    ask(operations.get, "nothing has arrived", path=still_open, query=team)
    last = {**team, "from": 1, "count": 1, "bytes": 8}
    ask(operations.parts, "the last part", path=still_open, query=last)
    ask(operations.parts, path=still_open, query={"count": 101}, status=400)
    body = {
        "filename": "customers.csv",
        "sizeBytes": len(_CONTENT),
        "fingerprint": "customers-2026-03-01",
    }
    started = ask(operations.start, "size known", path=path, body=body, status=201).json()
    upload = {**path, "uploadID": started["id"]}
    ask(operations.start, path=path, body={**body, "filename": "a/b.csv"}, status=400)
    ask(operations.start, path=path, body={**body, "sizeBytes": 10**15}, status=413)
    ask(operations.complete, path=upload, status=409)
    url = started["urls"]["parts"][0]["url"]
    assert httpx.put(url, content=_CONTENT, verify=NO_ROOTS).is_success
    ask(operations.get, "all parts have arrived", path=upload)
    ask(operations.complete, "complete", path=upload, query=team)
    ask(operations.parts, path=upload, status=409)
    known = {**team, "fingerprint": "customers-2026-03-01"}
    ask(operations.list, "of this content", path=path, query=known)
    other = ask(operations.start, path=path, body={"filename": "f"}, status=201, keep="nothing")
    deleted = {**path, "uploadID": other.json()["id"]}
    ask(operations.delete, path=deleted, query=team, status=204)
    ask(operations.delete, path=deleted, status=404)
    _record_too_many(recorder, operations, path)
    return str(started["id"])


def _record_too_many(recorder: Recorder, operations: UploadOperations, path: Path) -> None:
    """Open as many uploads as there may be, and delete them again."""
    start = partial(recorder.ask, operations.start, path=path, body={"filename": "f"})
    replies = [start(status=201, keep="nothing") for _ in range(OPEN_UPLOADS - _KEPT)]
    start(status=409)
    for reply in replies:
        upload = {**path, "uploadID": reply.json()["id"]}
        recorder.ask(operations.delete, path=upload, status=204, keep="nothing")


def new_upload(client: httpx.Client, uploads: str, *, complete: bool = False) -> str | None:
    """Start an upload whose one part has arrived; gives its id, or ``None`` if it was refused."""
    body = {"filename": "customers.csv", "sizeBytes": len(_CONTENT)}
    reply = client.post(uploads, json=body)
    if not reply.is_success:
        return None
    started = reply.json()
    url = started["urls"]["parts"][0]["url"]
    assert httpx.put(url, content=_CONTENT, verify=NO_ROOTS).is_success
    if complete:
        assert client.post(f"{uploads}/{started['id']}/complete").is_success
    return str(started["id"])
