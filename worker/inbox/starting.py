"""Starts the import of one object, or says why it is not imported, or not now."""

import logging
from typing import Final, Literal

from worker.inbox.objects import InboxObject
from worker.inbox.places import ObjectRefused, Place, parse_place
from worker.jobs.services import Services
from worker.objects import ObjectArchived, ObjectNotFound
from worker.store import (
    EnvironmentNotFound,
    ImportInProgress,
    ImportRequest,
    ProjectNotFound,
    Segment,
    SegmentNotFound,
    SourceFile,
    admit_import,
)
from worker.store.workflows import record_start

logger = logging.getLogger("bigseg.inbox")

#: Who starts these imports, in records and in the audit log.
INITIATOR: Final = "inbox"
#: Some programs make an empty object first and write it then.
_EMPTY_FOR_MS: Final = 60_000

#: Whether the segment is taken now, it has to wait, or the next object may be looked at.
Step = Literal["started", "busy", "next"]


def start_import(services: Services, obj: InboxObject) -> Step:
    """Start the import of the oldest object of a segment that is not taken yet.

    Raises:
        ObjectRefused: it can never be imported.
        StoreUnavailable: or another transient error. Safe to retry: it is started once.
    """
    place = parse_place(obj.inbox.rest_of(obj.info.key))
    if obj.info.size_bytes == 0:
        if services.clock_ms() - obj.modified_ms < _EMPTY_FOR_MS:
            return "next"
        raise ObjectRefused("the object is empty")
    segment = _find_segment(services, place)
    _require_newest(services, place, segment, obj)
    if services.store.memberships.state(segment.ref).building not in {None, obj.import_id}:
        return "busy"
    if not _is_as_listed(services, obj) or _is_tagged(services, obj):
        return "next"
    services.store.inbox.note_started(segment.ref, place.mode, obj.modified_ms)
    return _admit(services, place, segment, obj)


def _find_segment(services: Services, place: Place) -> Segment:
    env = place.env
    try:
        segment = services.store.segments.get(env, place.segment)
    except (SegmentNotFound, EnvironmentNotFound, ProjectNotFound) as exc:
        raise ObjectRefused(f"{exc}; create it and put the object there again") from exc
    if not segment.unbounded:
        raise ObjectRefused(f"segment {segment.key} is not a big segment")
    return segment


def _require_newest(services: Services, place: Place, segment: Segment, obj: InboxObject) -> None:
    """Refuse an object that appears after a newer one was taken.

    That happens when the newer one is written in less time. Two merges may be in any order.
    """
    newest = services.store.inbox.newest_started(segment.ref)
    for mode, modified_ms in newest.items():
        is_harmless = mode == place.mode != "replace"
        if modified_ms > obj.modified_ms and not is_harmless:
            raise ObjectRefused(
                f"a newer object (mode {mode}) was imported before this one appeared, and this one "
                "would undo it; put it there again if it is to be imported after that"
            )


def _is_as_listed(services: Services, obj: InboxObject) -> bool:
    try:
        return obj.is_state(services.objects.head(obj.info.key, bucket=obj.info.bucket))
    except ObjectNotFound:
        return False
    except ObjectArchived as exc:
        raise ObjectRefused(str(exc)) from exc


def _is_tagged(services: Services, obj: InboxObject) -> bool:
    """Whether an object that stays in the inbox was settled so long ago that only its tags tell."""
    if services.settings.inbox_after != "tag":
        return False
    if services.objects.read_tags(obj.info).get("bigseg-import") != obj.import_id:
        return False
    services.store.inbox.settle(obj.import_id)
    return True


def _admit(services: Services, place: Place, segment: Segment, obj: InboxObject) -> Step:
    info = obj.info
    source = SourceFile(
        info.bucket,
        info.key,
        place.file,
        uploaded=False,
        size_bytes=info.size_bytes,
        etag=info.etag,
    )
    request = ImportRequest(
        import_id=obj.import_id,
        list_ref=segment.ref,
        mode=place.mode,
        sources=(source,),
        allow_empty=False,
        created_ms=services.clock_ms(),
        initiator=INITIATOR,
        reading=place.reading,
        inbox_ms=obj.modified_ms,
    )
    try:
        admit_import(services.store, request, supersedes=False)
    except (ImportInProgress, SegmentNotFound):
        return "busy"  # another one was quicker; what is next is decided anew
    record_start(services.store, request)
    services.announce(request.ref, 1)
    logger.info("inbox.started", extra={"job": str(request.ref), "object": obj.address})
    return "started"
