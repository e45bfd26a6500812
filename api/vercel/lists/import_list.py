"""The imports into a list that is attached to a segment, newest first."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.errors import Conflict
from api.jobs.idempotency import KEY_PATTERN
from api.jobs.options import Mode
from api.jobs.records import PeriodOf, find_imports
from api.rest.operations import operation
from api.services.services import CallerOf, ServicesOf
from api.vercel.lists.models import ListImports, represent_import, response_with_nulls
from api.vercel.lists.parameters import InitiatorIs, Limit, Offset, StatusIs
from api.vercel.lists.paths import LIST, ListPathOf
from api.vercel.lists.refusals import NO_LIST
from api.vercel.operations import READ
from worker.store import ImportRequest, JobOverview

router = APIRouter(prefix=f"{LIST}/imports", tags=["Vercel lists"])

ModeIs = Annotated[Mode | None, Query(alias="mode", description="Only of this mode.")]
IdempotencyKey = Annotated[
    str | None,
    Query(
        alias="idempotencyKey",
        pattern=KEY_PATTERN,
        description="Only the import that the caller has started with this `Idempotency-Key`.",
    ),
]


@router.get("", operation_id="listFlagSegmentListImports", response_model=ListImports)
@operation(
    needs=READ,
    refuses={
        **NO_LIST,
        Conflict: "The request with this `idempotencyKey` is under way; try again.",
    },
)
def list_imports(
    path: ListPathOf,
    services: ServicesOf,
    caller: CallerOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    status: StatusIs = None,
    mode: ModeIs = None,
    initiator: InitiatorIs = None,
    key: IdempotencyKey = None,
) -> Response:
    """List the imports into an attached list, newest first: the last 100 whose records are kept."""
    store = services.store()

    def matches(overview: JobOverview[ImportRequest]) -> bool:
        request = overview.request
        return (
            status in (None, overview.status)
            and mode in (None, request.mode)
            and initiator in (None, request.initiator)
        )

    refs = find_imports(store, path.require_ref(), caller.token_id, key, matches, period)
    found = [
        represent_import(store, path, state.request, state, services.clock)
        for state in store.jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ImportRequest)
    ]
    return response_with_nulls(ListImports(data=found, total_count=len(refs)))
