"""``GET …/imports``: a segment's imports, newest first."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.launchdarkly.jobs.models import ImportRepresentation, represent_import
from api.launchdarkly.operations import NO_SEGMENT, READ, operation
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.pages import page_links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE, Offset
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.services.services import ServicesOf
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


@router.get("", operation_id="getBigSegmentImports")
@operation(needs=READ, refuses=NO_SEGMENT)
def list_imports(
    path: SegmentPathOf, services: ServicesOf, limit: Limit = 20, offset: Offset = 0
) -> ImportPage:
    """List the imports of a segment, newest first: the last 100 whose records are kept.

    Imports of a deleted segment with the same key are not listed.
    """
    store = services.store()
    refs = store.imports.newest(find_big_segment(store, path).ref)
    items = [
        represent_import(path, state.request, state, services.clock)
        for state in store.jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ImportRequest)
    ]
    links = page_links(f"{path.href}/imports", "", limit=limit, offset=offset, total=len(refs))
    return ImportPage(items=items, links=links, total_count=len(refs))
