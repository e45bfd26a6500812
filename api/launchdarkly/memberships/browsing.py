"""``GET …/members`` and ``GET …/sample``: some members of a list, for people who look at it."""

import re
from random import SystemRandom
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from api.bodies.models import Int32, Int64, WireModel
from api.errors import InvalidRequest
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, Refusals, operation
from api.services.services import ServicesOf
from worker.store import BrowsedList, BrowsePosition, Side, digest_of

router = APIRouter(prefix=SEGMENT_ROUTE, tags=["Segments"])

#: Members of one answer: up to 1 MB.
MOST_MEMBERS: Final = 1_000
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([0-9a-f]{16})\.([0-9a-f]{8})")

_REFUSES: Final[Refusals] = {
    **NO_SEGMENT,
    InvalidRequest: "A parameter is not valid, or the segment is not a big segment.",
}

ListOf = Annotated[Side, Query(alias="list", description="Which of the two lists.")]


class BigSegmentMembers(WireModel):
    """Some members of a list."""

    items: Annotated[list[str], Field(description="Context keys.")]
    revision: Annotated[Int32, Field(description="Number of the revision that they are of.")]
    published: Annotated[
        Int64,
        Field(
            description="When what it holds was published, Unix ms; a re-shard does not change it."
        ),
    ]
    total_count: Annotated[Int64, Field(description="Members of the whole list.")]


class BigSegmentMemberPage(BigSegmentMembers):
    """A page of the members of a list."""

    changed: Annotated[
        bool,
        Field(
            description="Whether another list was published since the page that the cursor is of: "
            "these are members of the new one."
        ),
    ]
    cursor: Annotated[
        str | None, Field(description="Of the next page; null at the end of the list.")
    ]


@router.get("/members", operation_id="getBigSegmentMembers")
@operation(needs=READ, refuses=_REFUSES)
def list_members(
    path: SegmentPathOf,
    services: ServicesOf,
    side: ListOf = "included",
    cursor: Annotated[
        str | None, Query(description="Of the page before; without it, the first page.")
    ] = None,
    limit: Annotated[Int32, Query(ge=1, le=MOST_MEMBERS, description="Members of a page.")] = 100,
    prefix: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> BigSegmentMemberPage:
    """List members, page by page, in the order of their hashes.

    Whoever goes on until `cursor` is null has met each member once that was there all the while,
    also through a re-shard. A page may be shorter than `limit`, or empty, before the end. A
    prefix is refused: members are spread by hash, and to find those with a prefix takes reading
    the whole list, which an export does.
    """
    if prefix is not None:
        raise InvalidRequest(
            "prefix: members are kept by hash, so that only reading the whole list finds those "
            "with a prefix: export the list and search the file"
        )
    of_list = _name_list(path, side)
    after = None if cursor is None else _read_cursor(cursor, of_list)
    store = services.store()
    page = store.browser.page(find_big_segment(store, path).ref, side, after, limit)
    return BigSegmentMemberPage(
        items=list(page.keys),
        revision=page.of.revision,
        published=page.of.since_ms,
        total_count=page.of.count,
        changed=after is not None and after.since_ms != page.of.since_ms,
        cursor=None if page.end is None else _write_cursor(page.end, of_list),
    )


@router.get("/sample", operation_id="getBigSegmentSample")
@operation(needs=READ, refuses=_REFUSES)
def sample_members(
    path: SegmentPathOf,
    services: ServicesOf,
    side: ListOf = "included",
    count: Annotated[
        Int32, Query(alias="n", ge=1, le=MOST_MEMBERS, description="How many members.")
    ] = 10,
) -> BigSegmentMembers:
    """Choose members at random: each set of `n` is as likely as any other.

    A list with fewer members is given whole, in any order.
    """
    store = services.store()
    ref = find_big_segment(store, path).ref
    of, keys = store.browser.sample(ref, side, count, SystemRandom())
    return _represent(of, keys)


def _represent(of: BrowsedList, keys: list[str]) -> BigSegmentMembers:
    return BigSegmentMembers(
        items=keys, revision=of.revision, published=of.since_ms, total_count=of.count
    )


def _name_list(path: SegmentPath, side: Side) -> str:
    """What a cursor says of its list, so that it begins no other one in the middle."""
    return digest_of(path.project, path.environment, path.segment, side)[:8]


def _write_cursor(end: BrowsePosition, of_list: str) -> str:
    return f"{end.since_ms}.{end.hash:016x}.{of_list}"


def _read_cursor(text: str, of_list: str) -> BrowsePosition:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InvalidRequest("cursor: send the one of a page as it was, or none for the first page")
    if match[3] != of_list:
        raise InvalidRequest("cursor: it is of another list; leave it out for the first page")
    return BrowsePosition(hash=int(match[2], 16), since_ms=int(match[1]))
