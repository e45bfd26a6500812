"""Segments as they are answered."""

from collections.abc import Iterable

from fastapi import Response

from api.access.auth import Caller
from api.bodies.models import json_response
from api.vercel.segments.content import load_data
from api.vercel.segments.etags import entity_tag
from api.vercel.segments.models import Creator, Metadata, SegmentRepresentation
from api.vercel.wire.project_ids import project_id
from worker.store import FoundSegment, Project, ProjectSegment, Store


def represent(
    project: Project, segment: ProjectSegment, users: Iterable[str], *, with_metadata: bool
) -> SegmentRepresentation:
    """Give a segment in its form on the wire.

    Args:
        project: that it belongs to.
        segment: as it is stored.
        users: ids of the segments that refer to it.
        with_metadata: whether its creator is said.
    """
    creator = Creator(id=segment.creator_id, name=segment.creator_name)
    return SegmentRepresentation(
        id=segment.id,
        slug=segment.slug,
        label=segment.label,
        description=segment.description,
        hint=segment.hint,
        project_id=project_id(project),
        created_at=segment.created_ms,
        updated_at=segment.updated_ms,
        created_by=segment.created_by,
        used_by_segments=list(users),
        data=load_data(segment),
        metadata=Metadata(creator=creator) if with_metadata else None,
    )


def segment_response(segment: ProjectSegment, body: SegmentRepresentation, status: int) -> Response:
    """Answer with a segment and its tag."""
    response = json_response(body, status)
    response.headers["ETag"] = entity_tag(segment)
    return response


def visible_users(
    store: Store, project: Project, found: FoundSegment, caller: Caller
) -> list[ProjectSegment]:
    """The segments that refer to one and that the caller may see.

    Cost: nothing if there are none, else as reading all segments.
    """
    if not found.users:
        return []
    by_id = store.project_segments.read_all(project).by_id
    users = [by_id[user] for user in found.users if user in by_id]
    return [user for user in users if caller.scope.allows(project.key, None, user.slug)]


def visible_ids(
    store: Store, project: Project, found: FoundSegment, caller: Caller
) -> Iterable[str]:
    """Ids of :func:`visible_users`; reads nothing for a caller who may see everything."""
    if caller.scope.covers(project.key):
        return found.users
    return [user.id for user in visible_users(store, project, found, caller)]
