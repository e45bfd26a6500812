"""A page written without reading targets is the page that the models make."""

import json

import pytest

from api.launchdarkly.segments.representation import UserSegments, user_segment
from api.launchdarkly.wire.pages import page_links, segments_body
from worker.store import Definition, ListState, Scope, Segment
from worker.store.lists import Revision

SCOPE = Scope("p", "e")
TARGETING = '{"included":["é","\\u0001"],"excluded":[],"includedContexts":[],'.encode()
TARGETING += b'"excludedContexts":[],"rules":[{"_id":"r","clauses":[{"values":[1.0,null]}]}]}'
STATE = ListState(Revision.parse(b"r1-a 0 0"), 1, 0, 1, 5, None)


def _segment(*, unbounded: bool = False) -> Segment:
    return Segment(SCOPE, "s", 'a "name"', 1, 2, 3, unbounded=unbounded, tags=("t",))


@pytest.mark.parametrize(
    ("definition", "state"),
    [
        (Definition(_segment(), None), None),
        (Definition(_segment(), TARGETING), None),
        (Definition(_segment(unbounded=True), None), STATE),
        (Definition(_segment(unbounded=True), None), None),
    ],
)
def test_segments_body__any_segment__is_what_the_models_make(
    definition: Definition, state: ListState | None
) -> None:
    links = page_links("/p", "", limit=2, offset=0, total=3)

    body = segments_body([definition, definition], [state, state], total=3, links=links)

    items = [user_segment(definition, state)] * 2
    model = UserSegments(items=items, totalCount=3, links=links)
    assert json.loads(body) == json.loads(model.model_dump_json(by_alias=True, exclude_none=True))


def test_segments_body__no_segment__is_an_empty_page() -> None:
    body = segments_body([], [], total=0, links={})
    assert json.loads(body) == {"items": [], "totalCount": 0, "_links": {}}
