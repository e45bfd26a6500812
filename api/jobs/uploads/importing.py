"""Starting an import of lists that were uploaded directly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict
from api.jobs.admission import admit, import_request, require_free
from api.jobs.starting import Start
from api.jobs.uploads.models import UploadsBody
from api.jobs.uploads.place import UploadPlace
from worker.store import (
    SourceFile,
    Store,
    StoreError,
    TransientError,
    Upload,
    digest_of,
    owner_of_upload,
)


async def import_uploads(body: UploadsBody, start: Start, place: UploadPlace) -> Response:
    """Start one import of all the uploads, or repeat the answer of an earlier request.

    Raises:
        NotFound: the list has no such upload.
        Conflict: an upload is not complete, or an import has taken it.
        ImportInProgress: or another error of :func:`admit`.
    """
    return await run_in_threadpool(_import, body, start, place)


def _import(body: UploadsBody, start: Start, place: UploadPlace) -> Response:

    def admit_import(import_id: str) -> None:
        require_free(start)
        with _taking(start, place, body.uploads, import_id) as taken:
            bucket = start.services.objects().bucket
            sources = tuple(_source(bucket, upload) for upload in taken)
            admit(start, import_request(import_id, sources, body, start))

    return start.admit_once("import", digest_of("uploads", body.model_dump()), admit_import)


@contextmanager
def _taking(
    start: Start, place: UploadPlace, upload_ids: Sequence[str], import_id: str
) -> Iterator[list[Upload]]:
    """Take uploads for an import that the block admits; given back if it was not admitted.

    Without an answer they stay taken, because the import may have been admitted.
    """
    store, taken = start.services.store(), list[Upload]()
    now_ms = start.services.clock()
    try:
        for upload_id in upload_ids:
            taken.append(_take(store, place, upload_id, import_id, now_ms))
        yield taken
    except TransientError:
        raise
    except BaseException:
        for upload in taken:
            _put_quietly(store, place, upload, _given_back(upload))
        raise
    for upload in taken:
        _put_quietly(store, place, upload, None)


def _take(store: Store, place: UploadPlace, upload_id: str, import_id: str, now_ms: int) -> Upload:
    upload = place.find(store, upload_id)
    if upload.state == "open":
        raise Conflict(f"upload {upload_id} is not complete: send its parts and complete it first")
    if owner_of_upload(store, place.env, upload, now_ms) != "nobody":
        raise Conflict(f"upload {upload_id} was imported: it belongs to import {upload.import_id}")
    taken = replace(upload, state="taken", import_id=import_id, taken_ms=now_ms)
    if not store.uploads.replace(place.env, upload, taken):
        raise Conflict(f"upload {upload_id} was changed at the same time; try again")
    return taken


def _given_back(upload: Upload) -> Upload:
    return replace(upload, state="complete", import_id="", taken_ms=0)


def _put_quietly(store: Store, place: UploadPlace, upload: Upload, changed: Upload | None) -> None:
    with suppress(StoreError):  # upkeep goes on from what is recorded
        store.uploads.replace(place.env, upload, changed)


def _source(bucket: str, upload: Upload) -> SourceFile:
    return SourceFile(
        bucket=bucket,
        key=upload.object_key,
        filename=upload.filename,
        uploaded=True,
        size_bytes=upload.size_bytes,
        etag=upload.etag,
    )
