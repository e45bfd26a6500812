"""Change a segment: its texts, its data, and single values of its data."""

from dataclasses import fields

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.errors import PreconditionFailed
from api.rest.bodies import read_body
from api.rest.operations import component, document_body, operation
from api.rest.preconditions import IfMatch
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.operations import NO_SEGMENT, WRITE
from api.vercel.segments.access import SegmentIdOrSlug, WithMetadata, require_segment
from api.vercel.segments.audit_entries import audit_segment, list_actions
from api.vercel.segments.content import Content, ContentReader, load_data
from api.vercel.segments.data import SegmentData
from api.vercel.segments.etags import ENTITY_TAG, require_match
from api.vercel.segments.models import SegmentPatch, SegmentRepresentation, parse_body
from api.vercel.segments.representation import represent, segment_response
from api.vercel.segments.users import visible_ids
from api.vercel.segments.value_operations import apply_operations
from api.vercel.wire.paths import SEGMENTS
from api.vercel.wire.project_bounds import project_bounds
from api.vercel.wire.requests import ProjectOf
from worker.store import (
    FoundSegment,
    Project,
    ProjectSegment,
    ProjectSegmentChange,
    retry_on_change,
)

router = APIRouter(prefix=SEGMENTS, tags=["Vercel segments"])


@router.patch(
    "/{segmentIdOrSlug}",
    operation_id="updateFlagSegment",
    response_model=SegmentRepresentation,
    responses={200: ENTITY_TAG},
    dependencies=[RequireJson],
    openapi_extra=document_body("What changes.", json=component("SegmentPatch")),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        PreconditionFailed: "The segment is not in the state of `If-Match`.",
    },
)
async def update_segment(
    request: Request,
    project: ProjectOf,
    segmentIdOrSlug: SegmentIdOrSlug,  # noqa: N803 - the documented names
    services: ServicesOf,
    caller: CallerOf,
    if_match: IfMatch = None,
    *,
    withMetadata: WithMetadata = False,  # noqa: N803 - same
) -> Response:
    """Change a segment; what the body leaves out stays.

    `data` replaces the whole data; `operations` are applied after it. Adding a value that is
    there gives it the new note, if there is one; removing one removes all its entries.
    """
    raw = await read_body(request)

    def update() -> Response:
        patch, store = parse_body(SegmentPatch, raw), services.store()

        def attempt() -> tuple[FoundSegment, ProjectSegment]:
            found = require_segment(store, caller, project, segmentIdOrSlug, to_change=True)
            require_match(found.segment, if_match)
            return found, _apply(services, caller, project, found.segment, patch)

        found, changed = retry_on_change(f"segment {segmentIdOrSlug[:512]}", attempt)
        if changed is not found.segment:
            audit_segment(
                services,
                caller,
                project,
                action=list_actions(found.segment, changed),
                verb="updated the segment",
                before=found.segment,
                after=changed,
            )
        users = visible_ids(store, project, found, caller)
        answer = represent(project, changed, users, found.flags, with_metadata=withMetadata)
        return segment_response(changed, answer, 200)

    async with services.patch_turn:
        return await run_in_threadpool(update)


def _apply(
    services: Services,
    caller: Caller,
    project: Project,
    current: ProjectSegment,
    patch: SegmentPatch,
) -> ProjectSegment:
    """Store what a patch makes of a segment; one that it does not change stays as it is."""
    reader = ContentReader(services, caller, project)
    content = _content(reader, current, patch)
    change = ProjectSegmentChange(
        label=current.label if patch.label is None else patch.label,
        hint=current.hint if patch.hint is None else patch.hint,
        description=current.description if patch.description is None else patch.description,
        data=content.data,
        references=content.references,
        lists=current.lists,
    )
    if all(getattr(change, field.name) == getattr(current, field.name) for field in fields(change)):
        return current
    bounds, segments = project_bounds(services.settings), services.store().project_segments
    return segments.update(project, current, change, bounds, seen=reader.seen)


def _content(reader: ContentReader, current: ProjectSegment, patch: SegmentPatch) -> Content:
    if patch.data is None and not patch.operations:
        return Content(current.data, current.references)
    data = load_data(current) if patch.data is None else patch.data.to_wire()
    if patch.operations:
        data = apply_operations(data, patch.operations)
    return reader.read(
        SegmentData.model_validate(data, by_name=False),
        segment_id=current.id,
        slug=current.slug,
        known=current.references,
    )
