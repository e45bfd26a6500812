"""The lists that are attached to a segment: which there are, and taking one away."""

from fastapi import APIRouter, Response

from api.rest.operations import operation
from api.rest.requests import RequireNoBody
from api.services.services import CallerOf, ServicesOf
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.models import AttachedLists, ListRepresentation, response_with_nulls
from api.vercel.lists.paths import LIST, LISTS, ChangedListOf, ListPath
from api.vercel.lists.refusals import NO_LIST
from api.vercel.operations import NO_SEGMENT, READ, WRITE
from api.vercel.segments.access import SegmentIdOrSlug, require_segment
from api.vercel.wire.list_names import ListName
from api.vercel.wire.project_bounds import project_bounds
from api.vercel.wire.requests import ProjectOf
from worker.store import ListState, ListUnknown, SegmentNotFound, Store, detach_list

router = APIRouter(tags=["Vercel lists"])


@router.get(LISTS, operation_id="listFlagSegmentLists", response_model=AttachedLists)
@operation(needs=READ, refuses=NO_SEGMENT)
def get_lists(
    project: ProjectOf,
    segmentIdOrSlug: SegmentIdOrSlug,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """List the lists that are attached to a segment, by name."""
    store = services.store()
    segment = require_segment(store, caller, project, segmentIdOrSlug).segment
    names = sorted(map(ListName.parse, segment.lists))
    found = [_represent(store, ListPath(project, segment, name)) for name in names]
    return response_with_nulls(AttachedLists(data=found))


@router.delete(
    LIST,
    operation_id="deleteFlagSegmentList",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(needs=WRITE, refuses=NO_LIST)
def delete_list(path: ChangedListOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Take a list from a segment; its values are freed, and an import into it is stopped."""
    bounds = project_bounds(services.settings)
    detach_list(services.store(), path.project, path.segment.id, str(path.name), bounds)
    audit_list(services, caller, path, "deleteList", "took a list from the segment", {})
    return Response(status_code=204)


def _represent(store: Store, path: ListPath) -> ListRepresentation:
    state = _find_state(store, path)
    return ListRepresentation(
        side=path.name.side,
        kind=path.name.kind,
        attribute=path.name.attribute,
        path=path.href,
        members=None if state is None else state.included_count,
        updated_at=None if state is None else state.modified_ms,
        import_in_progress=None if state is None else state.building,
    )


def _find_state(store: Store, path: ListPath) -> ListState | None:
    """What the list's record holds; ``None`` if the server has lost it."""
    try:
        return store.memberships.state(path.require_ref())
    except (ListUnknown, SegmentNotFound):
        return None
