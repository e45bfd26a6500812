"""``POST …/contexts`` and ``POST …/users``: edit the lists of a big segment."""

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import Field

from api.audit import audit_segment
from api.bodies.models import StrictBody
from api.errors import InvalidRequest
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.targeting.edit_summaries import KeyEdit, edit_actions, summarize_edits
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import WRITE, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, ServicesOf
from worker.context_keys import fault_of
from worker.store import Edit, EditOp

router = APIRouter(
    prefix=SEGMENT_ROUTE,
    tags=["Segments"],
    dependencies=[RequireJson],
)

#: Keys in one request: 30 to 100 ms of the server's time, in steps of a millisecond.
MOST_KEYS: Final = 10_000

Keys = Annotated[list[str], Field(fail_fast=True)]


class KeyChanges(StrictBody):
    """Changes to one list: keys are added first, then removed."""

    add: Keys | None = None
    remove: Keys | None = None


class TargetChanges(StrictBody):
    """Changes to both lists; those to the included list come first."""

    included: KeyChanges | None = None
    excluded: KeyChanges | None = None


@router.post("/users", operation_id="updateBigSegmentTargets", status_code=204)
@router.post("/contexts", operation_id="updateBigSegmentContextTargets", status_code=204)
@operation(needs=WRITE, refuses=NO_SEGMENT)
def update_targets(
    body: TargetChanges, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Add keys to and remove keys from the lists of a big segment.

    If any key is invalid, nothing is applied.
    A key that was erased from the environment is a key like any other again once it is added.
    Sending the same changes again has no further effect, so a 503 may be retried.
    """
    edits = _read_edits(body)
    store = services.store()
    segment = find_big_segment(store, path)
    if edits:
        added = [edit.key for edit in edits if edit.op in ("i+", "e+")]
        store.erased_keys.lift(segment.env, segment.context_kind, added)
        if store.memberships.edit(segment.ref, edits):
            services.work.reshard(segment.ref)
        summary = summarize_edits(_count(body))
        audit_segment(
            services,
            caller,
            segment,
            action=edit_actions(summary),
            verb="edited the lists of the segment",
            after={"edits": summary},
        )
    return Response(status_code=204)


def _read_edits(body: TargetChanges) -> list[Edit]:
    changes = list(_changes(body))
    count = sum(len(keys) for _, _, keys in changes)
    if count > MOST_KEYS:
        raise InvalidRequest(f"{count:,} keys in one request; at most {MOST_KEYS:,} are taken")
    for _, where, keys in changes:
        for position, key in enumerate(keys):
            fault = fault_of(key)
            if fault is not None:
                raise InvalidRequest(f"{where}[{position}]: {fault}")
    return [Edit(op, key) for op, _, keys in changes for key in keys]


def _count(body: TargetChanges) -> Iterator[KeyEdit]:
    for _, where, keys in _changes(body):
        side, _, action = where.partition(".")
        yield side, action, len(keys)


def _changes(body: TargetChanges) -> Iterator[tuple[EditOp, str, list[str]]]:
    if body.included is not None:
        yield "i+", "included.add", body.included.add or []
        yield "i-", "included.remove", body.included.remove or []
    if body.excluded is not None:
        yield "e+", "excluded.add", body.excluded.add or []
        yield "e-", "excluded.remove", body.excluded.remove or []
