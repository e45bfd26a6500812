"""Pages of segments as JSON, written without reading targets."""

import json
from collections.abc import Sequence

from api.launchdarkly.segments.representation import untargeted_segment
from api.launchdarkly.targeting.stored import stored_members
from api.launchdarkly.wire.links import Links
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
