"""Direct uploads from their start to the object: what each request about them does.

Everything here waits for the bucket or the store, so it runs in a thread.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from api.access.auth import Caller
from api.errors import Conflict
from api.jobs.uploads.models import (
    PartUrl,
    PartUrls,
    StartedUpload,
    UploadBody,
    UploadCollection,
    UploadRepresentation,
    UploadSummary,
)
from api.jobs.uploads.place import UploadPlace
from api.jobs.uploads.representation import represent_upload, summarise
from api.jobs.uploads.sizes import (
    plan_sizes,
    require_parts,
    require_whole,
    select_received,
)
from api.services.services import Services
from worker.objects import ObjectError, ObjectInfo, UploadedPart, UploadLost, upload_key
from worker.store import Store, StoreError, Upload

#: URLs of the answer that starts an upload; enough for a client that sends a few at a time.
_FIRST_URLS: Final = 10
_TRIES: Final = 5
TAKEN: Final = "The upload was imported."


def start_upload(
    services: Services, caller: Caller, place: UploadPlace, body: UploadBody
) -> StartedUpload:
    """Start an upload.

    Raises:
        TooLarge: the list is.
        Conflict: the environment has too many.
        ObjectError: the bucket did not begin it; nothing is left.
    """
    settings, store, now_ms = services.settings, services.store(), services.clock()
    part_bytes, max_bytes = plan_sizes(settings, body.size_bytes)
    upload_id = services.ids()
    env = place.env
    recorded = Upload(
        id=upload_id,
        state="open",
        owner=place.owner,
        object_key=upload_key((env.project, env.environment, place.folder), upload_id),
        filename=body.filename,
        part_bytes=part_bytes,
        max_bytes=max_bytes,
        created_ms=now_ms,
        expires_ms=now_ms + settings.upload_ttl_s * 1_000,
        size_bytes=body.size_bytes,
        initiator=caller.name,
        fingerprint=body.fingerprint,
    )
    # Recorded first: what a crash leaves in the bucket is found by the record.
    if not store.uploads.add(env, recorded, most=settings.open_uploads):
        raise Conflict(
            f"{settings.open_uploads} uploads of this environment are open or wait for their "
            "import: import or delete some, or try again later"
        )
    try:
        s3_id = services.objects().direct_uploads.begin(recorded.object_key)
    except ObjectError:
        with suppress(StoreError):  # upkeep forgets it
            store.uploads.replace(env, recorded, None)
        raise
    upload = replace(recorded, s3_id=s3_id)
    if not store.uploads.replace(env, recorded, upload):
        raise _changed(upload)
    urls = _sign(services, upload, require_parts(upload, 1, _FIRST_URLS, None))
    return StartedUpload(**summarise(upload).model_dump(by_alias=False), urls=urls)


def list_uploads(store: Store, place: UploadPlace, fingerprint: str) -> UploadCollection:
    """The uploads of a list that can be gone on with or imported, newest first."""
    found = [
        summarise(upload)
        for upload in store.uploads.read_all(place.env)
        if place.is_own(upload)
        and upload.state != "taken"
        and fingerprint in {"", upload.fingerprint}
    ]
    return UploadCollection(items=found)


def show_upload(services: Services, place: UploadPlace, upload_id: str) -> UploadRepresentation:
    """An upload, and which of its parts have arrived.

    Raises:
        NotFound: there is none with this id.
        Conflict: an import has taken it.
    """
    upload = _require_untaken(place.find(services.store(), upload_id))
    parts: list[UploadedPart] = []
    if upload.state == "open":
        try:
            parts = services.objects().direct_uploads.parts(upload.object_key, upload.s3_id)
        except UploadLost:  # completed by a request that was cut off; to complete it mends that
            parts = []
    return represent_upload(upload, select_received(upload, parts))


def issue_urls(
    services: Services,
    place: UploadPlace,
    upload_id: str,
    first: int,
    count: int,
    last_bytes: int | None,
) -> PartUrls:
    """Issue URLs for some parts of an open upload, which is kept for longer then.

    Raises:
        NotFound: there is none with this id.
        Conflict: it is complete.
        InvalidRequest: it has no such parts.
    """
    store = services.store()
    upload = _require_untaken(place.find(store, upload_id))
    if upload.state != "open":
        raise Conflict(f"upload {upload.id} is complete: it takes no more parts")
    sizes = require_parts(upload, first, count, last_bytes)
    expires_ms = services.clock() + services.settings.upload_ttl_s * 1_000
    # If it has changed meanwhile, another request has done the same, or has ended it.
    store.uploads.replace(place.env, upload, replace(upload, expires_ms=expires_ms))
    return _sign(services, upload, sizes)


def complete_upload(services: Services, place: UploadPlace, upload_id: str) -> UploadSummary:
    """Make one file of the parts that have arrived. Safe to repeat.

    Raises:
        NotFound: there is no upload with this id.
        Conflict: an import has taken it, or parts are missing or have the wrong length.
    """
    store = services.store()
    upload = _require_untaken(place.find(store, upload_id))
    if upload.state == "complete":
        return summarise(upload)
    info = _join(services, upload)
    expires_ms = services.clock() + services.settings.upload_ttl_s * 1_000

    def finish(current: Upload) -> Upload:
        if current.state != "open":
            return current
        return replace(
            current,
            state="complete",
            size_bytes=info.size_bytes,
            etag=info.etag,
            expires_ms=expires_ms,
        )

    return summarise(_change(store, place, upload_id, finish))


def delete_upload(services: Services, place: UploadPlace, upload_id: str) -> None:
    """Delete an upload and what has arrived of it.

    Raises:
        NotFound: there is none with this id.
        Conflict: an import has taken it.
    """
    store = services.store()

    def drop(current: Upload) -> Upload:
        return replace(_require_untaken(current), state="dropped", expires_ms=0)

    dropped = _change(store, place, upload_id, drop)
    # If the bucket does not answer, upkeep goes on.
    services.objects().discard_upload(dropped.object_key)
    store.uploads.replace(place.env, dropped, None)


def _join(services: Services, upload: Upload) -> ObjectInfo:
    direct, key = services.objects().direct_uploads, upload.object_key
    try:
        parts = direct.parts(key, upload.s3_id)
        require_whole(upload, parts)
        return direct.complete(key, upload.s3_id, parts)
    except UploadLost as exc:
        found = direct.find_completed(key, upload.size_bytes)
        if found is None:
            raise Conflict(
                f"the bucket has lost the parts of upload {upload.id}: delete it and start another"
            ) from exc
        return found


def _sign(services: Services, upload: Upload, sizes: dict[int, int]) -> PartUrls:
    direct, expires_s = services.objects().direct_uploads, services.settings.upload_url_s
    expiry_time = services.clock() + expires_s * 1_000
    parts = [
        PartUrl(
            number=number,
            size_bytes=size_bytes,
            url=direct.part_url(
                upload.object_key,
                upload.s3_id,
                number,
                size_bytes=size_bytes,
                expires_s=expires_s,
            ),
        )
        for number, size_bytes in sizes.items()
    ]
    return PartUrls(parts=parts, expiry_time=expiry_time)


def _change(
    store: Store, place: UploadPlace, upload_id: str, change: Callable[[Upload], Upload]
) -> Upload:
    """Change an upload, whatever other requests do to it meanwhile; gives what it is now."""
    for _ in range(_TRIES):
        upload = place.find(store, upload_id)
        changed = change(upload)
        if changed == upload or store.uploads.replace(place.env, upload, changed):
            return changed
    raise _changed(upload)


def _require_untaken(upload: Upload) -> Upload:
    if upload.state == "taken":
        raise Conflict(f"upload {upload.id} was imported: it belongs to import {upload.import_id}")
    return upload


def _changed(upload: Upload) -> Conflict:
    return Conflict(f"upload {upload.id} was changed at the same time; try again")
