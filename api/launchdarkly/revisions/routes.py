"""A segment's revisions: which can be published again, and publishing one."""

from typing import Annotated

from fastapi import APIRouter, Body

from api.audit import audit_segment
from api.bodies.models import Int32, WireModel
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, operation
from api.rest.requests import RequireJson
from api.revisions.models import (
    PublishOptions,
    RevisionNumberOf,
    RevisionRepresentation,
    represent_revisions,
)
from api.revisions.publishing import REFUSES, publish_revision
from api.services.services import CallerOf, ServicesOf
from worker.store import Summary

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/revisions", tags=["Segments"])


class RevisionCollection(WireModel):
    """The revisions of a segment."""

    items: list[RevisionRepresentation]
    total_count: Int32


@router.get("", operation_id="getBigSegmentRevisions")
@operation(needs=READ, refuses=NO_SEGMENT)
def list_revisions(path: SegmentPathOf, services: ServicesOf) -> RevisionCollection:
    """List what can be published again: the live revision, then those replaced, newest first.

    As many are kept, and for as long, as the settings say and memory permits.
    """
    store = services.store()
    items = represent_revisions(store, find_big_segment(store, path).ref)
    return RevisionCollection(items=items, total_count=len(items))


@router.post(
    "/{number}/publish", operation_id="publishBigSegmentRevision", dependencies=[RequireJson]
)
@operation(needs=WRITE, refuses=REFUSES)
def publish(
    path: SegmentPathOf,
    number: RevisionNumberOf,
    services: ServicesOf,
    caller: CallerOf,
    body: Annotated[PublishOptions | None, Body()] = None,
) -> RevisionRepresentation:
    """Make an earlier state of the lists live again, all at once; the live one is kept in turn.

    Edits made since the live revision became live are not in the earlier one; they are counted in
    the refusal, and `force` is needed. Members that have expired meanwhile come back.
    Publishing the live revision changes nothing.
    """
    store = services.store()
    segment = find_big_segment(store, path)

    def record(action: str, verb: str, after: Summary) -> None:
        audit_segment(services, caller, segment, action=action, verb=verb, after=after)

    return publish_revision(
        store,
        segment.ref,
        number,
        body or PublishOptions(),
        owner=f"segment {segment.key}",
        record=record,
    )
