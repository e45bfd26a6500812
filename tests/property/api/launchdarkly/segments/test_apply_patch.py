import copy
import json
from typing import Any

import jsonpatch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.bodies.json_values import exact_text, read_json
from api.errors import ApiError, Conflict, InvalidRequest
from api.launchdarkly.segments.apply_patch import SEGMENT
from api.launchdarkly.targeting.stored import encode_targeting
from api.launchdarkly.targeting.values import parse_document
from api.launchdarkly.wire.json_patch import apply_json_patch
from tests.support.segments.segments import Ids, patched, representation
from tests.support.segments.strategies import json_values, representations

tokens = st.sampled_from(
    ["name", "tags", "rules", "included", "version", "clauses", "values", "0", "1", "-", "a", "~1"]
)
pointers = st.lists(tokens, max_size=6).map(lambda parts: "".join(f"/{part}" for part in parts))
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "test", "move", "copy"]), "path": pointers},
    optional={"value": json_values, "from": pointers},
)


@given(fields=representations)
@settings(max_examples=50, deadline=None)
def test_parse_document__any_segment__comes_back_exactly(fields: dict[str, Any]) -> None:
    document = parse_document(representation(**fields), Ids())
    assert exact_text(document.to_wire()) == exact_text(fields)
    stored = json.loads(encode_targeting(document) or "{}")
    again = parse_document({"name": "n", **stored}, Ids())
    assert exact_text(again.targeting_to_wire()) == exact_text(document.targeting_to_wire())
    sent = read_json(json.dumps(representation(**fields)).encode())
    assert exact_text(parse_document(sent, Ids()).to_wire()) == exact_text(fields)


@given(old=representations, new=representations)
@settings(max_examples=50, deadline=None)
def test_apply_patch__every_field_replaced__by_each_kind_of_patch(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    shown = representation(**old)
    new = {"description": "new"} | new
    replaces = [{"op": "replace", "path": f"/{name}", "value": new[name]} for name in new]
    for body in (replaces, {"patch": replaces}, {"merge": new}, new):
        result = patched(body, shown)
        assert exact_text(result.document.to_wire()) == exact_text(new)
        assert result.changed is (exact_text(old) != exact_text(new))


def _by_the_library(document: dict[str, Any], patch: list[dict[str, Any]]) -> object:
    try:
        return exact_text(jsonpatch.apply_patch(document, patch))
    except jsonpatch.JsonPatchTestFailed:
        return Conflict
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        return ApiError


def _refused_here(operation: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether the library takes it: the whole segment, and fields that no segment has."""
    _, _, below = operation["path"].partition("/")
    outside = operation["op"] != "test" and below.split("/")[0] not in document
    return outside or (operation["op"] in {"move", "copy"} and operation.get("from") == "")


@given(fields=representations, patch=st.lists(operations, max_size=4))
@settings(max_examples=50, deadline=None)
@example({"tags": ["a"]}, [{"op": "test", "path": "/tags/0", "value": "b"}])
def test_apply_json_patch__any_patch__does_what_the_library_does(
    fields: dict[str, Any], patch: list[dict[str, Any]]
) -> None:
    document = representation(**fields)
    complete = [
        one | {"value": one.get("value")} if one["op"] in {"add", "replace", "test"} else one
        for one in patch
    ]
    expected = _by_the_library(document, complete)
    try:
        found: object = exact_text(apply_json_patch(copy.deepcopy(document), patch, SEGMENT))
    except Conflict:
        assert expected is Conflict
    except InvalidRequest:
        assert expected is ApiError or any(_refused_here(one, document) for one in patch)
    else:
        assert found == expected


@given(fields=representations, patch=json_values | st.lists(operations | json_values, max_size=4))
@settings(max_examples=50, deadline=None)
def test_apply_patch__any_body__is_applied_or_refused(fields: dict[str, Any], patch: Any) -> None:
    shown = representation(**fields)
    before = exact_text(shown)
    try:
        document = patched(patch, shown).document
    except (Conflict, InvalidRequest):
        document = parse_document(shown, Ids())
    again = parse_document(representation(**document.to_wire()), Ids())
    assert exact_text(again.to_wire()) == exact_text(document.to_wire())
    assert exact_text(shown) == before
