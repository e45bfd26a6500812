"""Deletes direct uploads that were abandoned, or whose environment was deleted."""

import logging

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store import (
    EnvironmentNotFound,
    EnvironmentRef,
    JobNotFound,
    JobRef,
    ProjectNotFound,
    UnreadableRecord,
)
from worker.store.jobs import Upload

logger = logging.getLogger("bigseg.upkeep")


def expire_uploads(services: Services) -> int:
    """Delete what was uploaded and is not wanted any more. Safe to repeat and to interrupt.

    An error about one upload is logged and does not delay the others.

    Cost: one round trip an environment, and a few requests for each upload that is due.

    Returns:
        Uploads that were forgotten.
    """
    gone = 0
    for env in services.store.environments.list_refs():
        uploads = services.store.uploads.read_all(env)
        if not uploads:
            continue
        deleted = _is_deleted(services, env)
        for upload in uploads:
            if deleted or upload.expires_ms <= services.clock_ms():
                gone += _expire(services, env, upload)
    return gone


def _expire(services: Services, env: EnvironmentRef, upload: Upload) -> bool:
    uploads, facts = services.store.uploads, {"upload": upload.id, "list": upload.owner}
    try:
        if upload.state == "taken" and _is_running(services, env, upload.import_id):
            return uploads.replace(env, upload, None)  # its object is the import's
        dropped = uploads.drop(env, upload)
        if dropped is None:
            return False  # it has gone on since
        services.objects.discard_upload(upload.object_key)
        logger.info("upload.expired", extra=facts)
        return uploads.replace(env, dropped, None)
    except (TransientError, TerminalError) as exc:
        logger.warning("upload.postponed", extra={**facts, "reason": str(exc)})
        return False


def _is_running(services: Services, env: EnvironmentRef, import_id: str) -> bool:
    try:
        return services.store.jobs.get(JobRef("import", env, import_id)).ended_ms is None
    except (JobNotFound, UnreadableRecord):
        return False


def _is_deleted(services: Services, env: EnvironmentRef) -> bool:
    try:
        services.store.environments.require(env)
    except (EnvironmentNotFound, ProjectNotFound):
        return True
    return False
