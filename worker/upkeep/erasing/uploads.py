"""What of an erasure is in direct uploads: dropped, unless an import has them, or soon will."""

from collections.abc import Collection, Iterator

from worker.jobs.services import Services
from worker.store import EnvironmentRef, JobRef, Upload, owner_of_upload


def takers_of(env: EnvironmentRef, uploads: Collection[Upload]) -> set[JobRef]:
    """The imports that have taken uploads, as far as they have."""
    return {_taker(env, upload) for upload in uploads if upload.state == "taken"}


def find_unadmitted(
    services: Services, env: EnvironmentRef, ids: Collection[str]
) -> tuple[JobRef, ...]:
    """The imports that have taken some uploads and may still be admitted.

    Cost: one round trip for each upload, another for each that is taken.
    """
    owned = _owned(services, env, ids)
    return tuple(_taker(env, upload) for upload, owner in owned if owner == "request")


def find_unwanted(services: Services, env: EnvironmentRef, ids: Collection[str]) -> tuple[str, ...]:
    """Those of some uploads that are nobody's. Cost: as :func:`find_unadmitted`."""
    owned = _owned(services, env, ids)
    return tuple(upload.id for upload, owner in owned if owner == "nobody")


def drop_uploads(services: Services, env: EnvironmentRef, ids: Collection[str]) -> None:
    """Delete those of some uploads that are nobody's. Safe to repeat and to interrupt.

    Cost: a few requests for each.
    """
    uploads, now_ms = services.store.uploads, services.clock_ms()
    for upload_id in ids:
        # It may be changed meanwhile, and then belong to somebody.
        while (upload := uploads.find(env, upload_id)) is not None:
            if owner_of_upload(services.store, env, upload, now_ms) != "nobody":
                break
            dropped = uploads.drop(env, upload)
            if dropped is not None:
                services.objects.discard_upload(upload.object_key)
                uploads.replace(env, dropped, None)


def _owned(
    services: Services, env: EnvironmentRef, ids: Collection[str]
) -> Iterator[tuple[Upload, str]]:
    store, now_ms = services.store, services.clock_ms()
    for upload_id in ids:
        upload = store.uploads.find(env, upload_id)
        if upload is not None:
            yield upload, owner_of_upload(store, env, upload, now_ms)


def _taker(env: EnvironmentRef, upload: Upload) -> JobRef:
    return JobRef("import", env, upload.import_id)
