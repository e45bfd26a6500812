"""Pages of segments: their links, and their bodies, written without reading targets."""

import json
from collections.abc import Sequence
from urllib.parse import quote

from api.launchdarkly.segments.representation import Links, untargeted_segment
from api.launchdarkly.targeting.stored import stored_members
from api.launchdarkly.wire.links import Link, link
from worker.store import Definition, ListState


def segments_body(
    definitions: Sequence[Definition],
    states: Sequence[ListState | None],
    *,
    total: int,
    links: Links,
) -> bytes:
    """A page as JSON: what ``UserSegments`` makes of the same segments.

    What segments target is put in as it is stored: reading and writing it again would cost
    more than all the rest.

    Args:
        definitions: the page.
        states: of each, what its list record says.
        total: segments in all.
        links: of the page.
    """
    items = [_item(*one) for one in zip(definitions, states, strict=True)]
    tail = f'],"totalCount":{total},"_links":{json.dumps(links)}}}'
    return b'{"items":[' + b",".join(items) + tail.encode()


def _item(definition: Definition, state: ListState | None) -> bytes:
    segment = definition.segment
    own = None if segment.unbounded else {"rules"}
    text = untargeted_segment(segment, state).model_dump_json(
        by_alias=True, exclude_none=True, exclude=own
    )
    if segment.unbounded:
        return text.encode()
    return text[:-1].encode() + b"," + stored_members(definition) + b"}"


def encoded(**parameters: str) -> str:
    """The parameters that every link of a page repeats, each followed by ``&``."""
    return "".join(f"{name}={quote(value)}&" for name, value in parameters.items() if value)


def page_links(path: str, query: str, *, limit: int, offset: int, total: int) -> Links:
    """Links of one page; only those that lead somewhere.

    Args:
        path: the collection.
        query: the other parameters, encoded, each followed by ``&``; may be empty.
        limit: items a page.
        offset: the page's first item.
        total: items in all.
    """

    def at(start: int) -> Link:
        position = f"&offset={start}" if start else ""
        return link(f"{path}?{query}limit={limit}{position}")

    links = {"self": link(f"{path}?{query}limit={limit}&offset={offset}")}
    if offset > 0:
        links |= {"first": at(0), "prev": at(max(0, offset - limit))}
    if offset + limit < total:
        links |= {"next": at(offset + limit), "last": at((total - 1) // limit * limit)}
    return links
