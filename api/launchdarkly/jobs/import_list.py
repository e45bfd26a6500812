"""``GET …/imports``: a segment's imports, newest first."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.errors import Conflict
from api.jobs.idempotency import KEY_PATTERN
from api.jobs.records import find_imports
from api.launchdarkly.jobs.models import ImportRepresentation, represent_import
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE, Offset
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, operation
from api.services.services import CallerOf, ServicesOf
from worker.store import ImportRequest

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/imports", tags=["Segments"])

#: A record takes a few kilobytes for each chunk and range of its list.
_MOST: Final = 100

Limit = Annotated[
    Int32, Query(ge=1, le=_MOST, description="The largest number of items to return.")
]


class ImportPage(WireModel):
    """Some imports of a segment."""

    items: list[ImportRepresentation]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Imports that can be listed."""


IdempotencyKey = Annotated[
    str | None,
    Query(
        alias="idempotencyKey",
        pattern=KEY_PATTERN,
        description="Only the import that the caller has started with this `Idempotency-Key`: "
        "whether a request that got no answer has started one.",
    ),
]


@router.get("", operation_id="getBigSegmentImports")
@operation(
    needs=READ,
    refuses={
        **NO_SEGMENT,
        Conflict: "The request with this `idempotencyKey` is under way; try again.",
    },
)
def list_imports(
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    offset: Offset = 0,
    key: IdempotencyKey = None,
) -> ImportPage:
    """List the imports of a segment, newest first: the last 100 whose records are kept.

    Imports of a deleted segment with the same key are not listed.
    """
    store = services.store()
    ref = find_big_segment(store, path).ref
    refs = find_imports(store, ref, caller.token_id, key)
    query = "" if key is None else encode_query(idempotencyKey=key)
    items = [
        represent_import(store, path, state.request, state, services.clock)
        for state in store.jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ImportRequest)
    ]
    links = page_links(f"{path.href}/imports", query, limit=limit, offset=offset, total=len(refs))
    return ImportPage(items=items, links=links, total_count=len(refs))
