"""Starts of imports and exports of a big segment, as this dialect answers and records them."""

from collections.abc import Callable

from fastapi import Response

from api.access.auth import Caller
from api.audit import audit_segment
from api.jobs.starting import Start
from api.jobs.uploads.place import UploadPlace
from api.launchdarkly.wire.links import SegmentPath
from api.services.services import Services
from worker.store import Segment, Summary


def segment_start(
    services: Services,
    caller: Caller,
    segment: Segment,
    key: str | None,
    respond: Callable[[str], Response],
) -> Start:
    """The start of a job of a big segment; see :class:`Start`."""

    def record(action: str, verb: str, after: Summary) -> None:
        audit_segment(services, caller, segment, action=action, verb=verb, after=after)

    return Start(services, caller, segment.ref, key, respond, record, f"segment {segment.key}")


def segment_uploads(path: SegmentPath, segment: Segment) -> UploadPlace:
    """The direct uploads for a big segment."""
    return UploadPlace(path.env, segment.key, segment.ref.name, f"{path.href}/uploads")
