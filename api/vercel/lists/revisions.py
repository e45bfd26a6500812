"""Revisions of a list that is attached to a segment."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.bodies.models import WireModel
from api.rest.operations import operation
from api.rest.requests import RequireJson
from api.revisions.models import (
    PublishOptions,
    RevisionNumberOf,
    RevisionRepresentation,
    represent_revisions,
)
from api.revisions.publishing import REFUSES, publish_revision
from api.services.services import CallerOf, ServicesOf
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.models import response_with_nulls
from api.vercel.lists.paths import LIST, ChangedListOf, ListPathOf
from api.vercel.lists.refusals import NO_LIST
from api.vercel.operations import READ, WRITE
from worker.store import Summary

router = APIRouter(prefix=f"{LIST}/revisions", tags=["Vercel segments"])


class ListRevisions(WireModel):
    """The revisions of an attached list."""

    data: list[RevisionRepresentation]


@router.get("", operation_id="listFlagSegmentListRevisions", response_model=ListRevisions)
@operation(needs=READ, refuses=NO_LIST)
def list_revisions(path: ListPathOf, services: ServicesOf) -> Response:
    """List what can be published again: the live revision, then those replaced, newest first."""
    store = services.store()
    ref = store.segments.get(path.env, path.require_key()).ref
    return response_with_nulls(ListRevisions(data=represent_revisions(store, ref)))


@router.post(
    "/{number}/publish",
    operation_id="publishFlagSegmentListRevision",
    response_model=RevisionRepresentation,
    dependencies=[RequireJson],
)
@operation(needs=WRITE, refuses=REFUSES)
def publish(
    path: ChangedListOf,
    number: RevisionNumberOf,
    services: ServicesOf,
    caller: CallerOf,
    body: Annotated[PublishOptions | None, Body()] = None,
) -> Response:
    """Make an earlier state of the list live again, all at once; the live one is kept in turn."""
    store = services.store()
    ref = store.segments.get(path.env, path.require_key()).ref

    def record(action: str, verb: str, after: Summary) -> None:
        audit_list(services, caller, path, action, verb, after)

    return response_with_nulls(
        publish_revision(
            store, ref, number, body or PublishOptions(), owner=path.owner, record=record
        )
    )
