"""Create, list, get and delete segments of a project."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.errors import InvalidRequest, KeyTaken, PreconditionFailed
from api.rest.bodies import read_body
from api.rest.operations import NO_PROJECT, component, document_body, operation
from api.rest.preconditions import IfMatch
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.operations import NO_SEGMENT, READ, WRITE
from api.vercel.segments.access import SegmentIdOrSlug, WithMetadata, require_segment
from api.vercel.segments.audit_entries import audit_segment
from api.vercel.segments.content import Content, ContentReader
from api.vercel.segments.etags import ENTITY_TAG, require_match
from api.vercel.segments.models import (
    NewSegmentBody,
    SegmentList,
    SegmentRepresentation,
    parse_body,
)
from api.vercel.segments.representation import (
    ListedSegment,
    list_response,
    represent,
    segment_response,
)
from api.vercel.segments.users import segment_in_use, visible_ids
from api.vercel.wire.paths import SEGMENTS
from api.vercel.wire.project_bounds import project_bounds
from api.vercel.wire.requests import ProjectOf
from worker.store import (
    NewProjectSegment,
    Project,
    ProjectSegment,
    SegmentReferenced,
    delete_project_segment,
    retry_on_change,
)

router = APIRouter(prefix=SEGMENTS, tags=["Vercel segments"])


@router.put(
    "",
    operation_id="createFlagSegment",
    status_code=201,
    response_model=SegmentRepresentation,
    responses={201: ENTITY_TAG},
    dependencies=[RequireJson],
    openapi_extra=document_body("The segment.", json=component("NewSegmentBody")),
)
@operation(
    needs=WRITE, refuses={**NO_PROJECT, KeyTaken: "The project has a segment with this slug."}
)
async def create_segment(
    request: Request, project: ProjectOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create a segment."""
    raw = await read_body(request)

    def create() -> Response:
        body = parse_body(NewSegmentBody, raw)
        require_scope(caller, project.key, None, body.slug, whole=True)
        segment = _create(services, caller, project, body)
        audit_segment(
            services,
            caller,
            project,
            action="createSegment",
            verb="created the segment",
            after=segment,
        )
        answer = represent(project, segment, (), (), with_metadata=False)
        return segment_response(segment, answer, 201)

    async with services.patch_turn:
        return await run_in_threadpool(create)


@router.get("", operation_id="listFlagSegments", response_model=SegmentList)
@operation(needs=READ, refuses=NO_PROJECT)
def list_segments(
    project: ProjectOf,
    services: ServicesOf,
    caller: CallerOf,
    *,
    withMetadata: WithMetadata = False,  # noqa: N803 - the documented name
) -> Response:
    """List all segments of a project, oldest first."""
    segments, allows = services.store().project_segments.read_all(project), caller.scope.allows
    found = {
        segment.id: segment
        for segment in segments.by_id.values()
        if allows(project.key, None, segment.slug)
    }
    users, flags = segments.users(), segments.flags()
    listed = (
        ListedSegment(
            segment,
            [user.id for user in users.get(segment.id, ()) if user.id in found],
            flags.get(segment.id, ()),
        )
        for segment in found.values()
    )
    return list_response(project, listed, with_metadata=withMetadata)


@router.get(
    "/{segmentIdOrSlug}",
    operation_id="getFlagSegment",
    response_model=SegmentRepresentation,
    responses={200: ENTITY_TAG},
)
@operation(needs=READ, refuses=NO_SEGMENT)
def get_segment(
    project: ProjectOf,
    segmentIdOrSlug: SegmentIdOrSlug,  # noqa: N803 - the documented names
    services: ServicesOf,
    caller: CallerOf,
    *,
    withMetadata: WithMetadata = False,  # noqa: N803 - same
) -> Response:
    """Get a segment."""
    store = services.store()
    found = require_segment(store, caller, project, segmentIdOrSlug)
    users = visible_ids(store, project, found, caller)
    answer = represent(project, found.segment, users, found.flags, with_metadata=withMetadata)
    return segment_response(found.segment, answer, 200)


@router.delete(
    "/{segmentIdOrSlug}",
    operation_id="deleteFlagSegment",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        InvalidRequest: "Other segments or flags name the segment; change them first.",
        PreconditionFailed: "The segment is not in the state of `If-Match`.",
    },
)
def delete_segment(
    project: ProjectOf,
    segmentIdOrSlug: SegmentIdOrSlug,  # noqa: N803 - the documented names
    services: ServicesOf,
    caller: CallerOf,
    if_match: IfMatch = None,
    *,
    withMetadata: WithMetadata = False,  # noqa: N803 - same
) -> Response:
    """Delete a segment that no other one and no flag names."""
    del withMetadata
    store = services.store()

    def delete() -> ProjectSegment:
        found = require_segment(store, caller, project, segmentIdOrSlug, to_change=True)
        require_match(found.segment, if_match)
        try:
            delete_project_segment(store, project, found.segment)
        except SegmentReferenced as exc:
            raise segment_in_use(store, project, found, caller) from exc
        return found.segment

    deleted = retry_on_change(f"segment {segmentIdOrSlug[:512]}", delete)
    audit_segment(
        services,
        caller,
        project,
        action="deleteSegment",
        verb="deleted the segment",
        before=deleted,
    )
    return Response(status_code=204)


def _create(
    services: Services, caller: Caller, project: Project, body: NewSegmentBody
) -> ProjectSegment:
    store = services.store()
    segment_id = f"seg_{services.ids().replace('-', '')}"

    def create() -> ProjectSegment:
        reader = ContentReader(services, caller, project)
        content = reader.read(body.data, segment_id=segment_id, slug=body.slug)
        return store.project_segments.create(
            project,
            _new_segment(segment_id, body, content, caller),
            project_bounds(services.settings),
            seen=reader.seen,
        )

    return retry_on_change(f"segment {body.slug}", create)


def _new_segment(
    segment_id: str, body: NewSegmentBody, content: Content, caller: Caller
) -> NewProjectSegment:
    return NewProjectSegment(
        id=segment_id,
        slug=body.slug,
        label=body.label,
        hint=body.hint,
        data=content.data,
        description=body.description,
        created_by=caller.name if body.created_by is None else body.created_by,
        creator_id=caller.token_id,
        creator_name=caller.name,
        references=content.references,
    )
