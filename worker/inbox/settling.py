"""Settles objects that were imported or refused: each is moved, or tagged.

Every step can be repeated, by several processes at the same time. An object that was overwritten
meanwhile stays where it is, and is imported.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from worker.errors import TerminalError
from worker.inbox.objects import InboxObject, Outcome
from worker.jobs.services import Services
from worker.objects import ObjectChanged, ObjectInfo, ObjectNotFound
from worker.store import ImportRequest, Inbox
from worker.store.monitoring import INBOX_OBJECTS

logger = logging.getLogger("bigseg.inbox")

#: Bytes a second that a service copies at least; until a copy should be over, others leave the
#: object alone.
_COPIED_BYTES_S: Final = 25_000_000


def settle_import(services: Services, request: ImportRequest) -> bool:
    """Settle the object of an ended import, and have the next one of its segment looked for.

    Returns:
        Whether it is settled; if it is not, another process is at it, or the bucket refused, and
        the caller should come back.

    Raises:
        ObjectStoreUnavailable: or StoreUnavailable: no answer. Safe to retry.
    """
    if request.inbox_ms is None or services.settings.inbox is None:
        return True
    inbox, source = Inbox.parse(services.settings.inbox), request.sources[0]
    if not inbox.holds(source.bucket, source.key):
        return True  # the setting has changed since
    info = ObjectInfo(
        source.bucket, source.key, source.size_bytes or 0, source.etag or "", request.inbox_ms
    )
    hold_s = services.settings.lease_s + info.size_bytes / _COPIED_BYTES_S
    if not services.store.jobs.take_turn(f"inbox:{request.import_id}", int(hold_s * 1_000)):
        return False
    state = services.store.jobs.get(request.ref)
    outcome: Outcome = "done" if state.status == "complete" else "failed"
    try:
        settle(services, InboxObject(inbox, info), outcome, state.reason)
    except TerminalError as exc:
        logger.warning("inbox.unsettled", extra={"job": str(request.ref), "reason": str(exc)})
        return False
    services.store.inbox.note([inbox.folder_of(info.key)])
    services.announce_upkeep()
    return True


def settle(services: Services, obj: InboxObject, outcome: Outcome, reason: str | None) -> None:
    """Move or tag an object, if it is still in this state.

    Raises:
        ObjectError: it could not be done, or only in part. Safe to repeat.
    """
    if services.settings.inbox_after == "tag":
        _tag(services, obj, outcome, reason)
    else:
        _move(services, obj, outcome, reason)
    services.store.counting.add(INBOX_OBJECTS, outcome)
    facts = {"object": obj.address, "import": obj.import_id, "outcome": outcome}
    logger.info("inbox.settled", extra=facts)


def _move(services: Services, obj: InboxObject, outcome: Outcome, reason: str | None) -> None:
    objects, key = services.objects, obj.destination(outcome)
    if not _is_there(services, obj):
        return
    if not _is_copied(services, obj, key):
        try:
            objects.copy(obj.info, key)
        except (ObjectChanged, ObjectNotFound):
            return
    if outcome == "failed":
        content = json.dumps(_describe(obj, reason), indent=1).encode()
        objects.put(obj.info.bucket, f"{key}.error.json", content, "application/json")
    if _is_there(services, obj):
        try:
            objects.delete_state(obj.info)
        except (ObjectChanged, ObjectNotFound):
            return


def _tag(services: Services, obj: InboxObject, outcome: Outcome, reason: str | None) -> None:
    if _is_there(services, obj):
        # A tag could meet an object that has just been overwritten; the id says whose it is.
        tags = {"bigseg-status": outcome, "bigseg-import": obj.import_id}
        if outcome == "failed":
            tags["bigseg-reason"] = reason or ""
        services.objects.write_tags(obj.info, tags)
    services.store.inbox.settle(obj.import_id)


def _is_there(services: Services, obj: InboxObject) -> bool:
    try:
        return obj.is_state(services.objects.head(obj.info.key, bucket=obj.info.bucket))
    except ObjectNotFound:
        return False


def _is_copied(services: Services, obj: InboxObject, key: str) -> bool:
    """Whether an earlier try has copied it; an object of this name is made by nothing else."""
    try:
        found = services.objects.head(key, bucket=obj.info.bucket)
    except ObjectNotFound:
        return False
    return found.size_bytes == obj.info.size_bytes


def _describe(obj: InboxObject, reason: str | None) -> dict[str, object]:
    when = datetime.fromtimestamp(obj.modified_ms / 1_000, UTC)
    return {
        "object": obj.address,
        "etag": obj.info.etag.strip('"'),
        "lastModified": when.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "sizeBytes": obj.info.size_bytes,
        "importId": obj.import_id,
        "reason": reason or "",
    }
