"""The segment that a path names, and what of it a request asks for."""

from typing import Annotated

from fastapi import Path, Query

from api.access.auth import Caller
from api.access.permissions import require_scope
from worker.store import FoundSegment, Project, SegmentNotFound, Store

SegmentIdOrSlug = Annotated[str, Path(description="The segment's id or its slug; an id wins.")]
WithMetadata = Annotated[bool, Query(description="Whether `metadata` says who created it.")]


def require_segment(
    store: Store, caller: Caller, project: Project, id_or_slug: str, *, to_change: bool = False
) -> FoundSegment:
    """Find a segment that the caller may see, or change.

    It may be changed by a token whose scope holds its slug in every environment.

    Raises:
        Forbidden: it is out of scope, or nothing that is in scope has this name.
        SegmentNotFound: there is none.
    """
    try:
        found = store.project_segments.get(project, id_or_slug)
    except SegmentNotFound:
        require_scope(caller, project.key, None, id_or_slug, whole=to_change)
        raise
    require_scope(caller, project.key, None, found.segment.slug, whole=to_change)
    return found
