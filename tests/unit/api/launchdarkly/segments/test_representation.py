"""A page written without reading targets is the page that parsed segments make."""

import json

import pytest
from pydantic import TypeAdapter

from api.launchdarkly.segments.representation import UserSegments, page_json, represent
from api.launchdarkly.wire.pages import page_links
from worker.store import Definition, EnvironmentRef, ListState, Segment
from worker.store.lists import Revision

PRODUCTION = EnvironmentRef("p", "e")
TARGETING = '{"included":["é","\\u0001"],"excluded":[],"includedContexts":[],'.encode()
TARGETING += b'"excludedContexts":[{"contextKind":"org","values":["o"]}],"rules":[{"_id":"r",'
TARGETING += b'"clauses":[{"_id":"c","attribute":"a","op":"in","values":[1.0,null,{"b":null}],'
TARGETING += b'"contextKind":"user","negate":false}],"rolloutContextKind":"user","weight":7}]}'
STATE = ListState(Revision.parse(b"r1-a 0 0"), 1, 0, 1, 5, None)


def _segment(*, unbounded: bool = False) -> Segment:
    return Segment(PRODUCTION, "s", 'a "name"', 1, 2, 3, unbounded=unbounded, tags=("t",))


@pytest.mark.parametrize(
    ("definition", "state"),
    [
        (Definition(_segment(), None), None),
        (Definition(_segment(), TARGETING), None),
        (Definition(_segment(unbounded=True), None), STATE),
        (Definition(_segment(unbounded=True), None), None),
    ],
)
def test_page_json__any_segment__is_what_parsed_ones_make(
    definition: Definition, state: ListState | None
) -> None:
    links = page_links("/p", "", limit=2, offset=0, total=3)

    body = page_json([definition, definition], [state, state], total=3, links=links)

    page = {"items": [represent(definition, state)] * 2, "totalCount": 3, "_links": links}
    assert json.loads(body) == page
    # Fields that the documented model does not have would be dropped.
    assert TypeAdapter(UserSegments).validate_python(page, strict=True) == page


def test_page_json__no_segment__is_an_empty_page() -> None:
    body = page_json([], [], total=0, links={})
    assert json.loads(body) == {"items": [], "totalCount": 0, "_links": {}}
