"""What a refused patch is told: which operation, which field, what is allowed, what is nearest."""

from typing import Any

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.projects.patching import ENVIRONMENT, PROJECT
from api.launchdarkly.segments.apply_patch import SEGMENT
from api.launchdarkly.tokens.routes import TOKEN
from api.launchdarkly.wire.json_patch import Patchable, apply_json_patch
from tests.support.segments.segments import SEMANTIC, clause, patched, representation, rule

_RESOURCES = pytest.mark.parametrize(
    "resource", [SEGMENT, PROJECT, ENVIRONMENT, TOKEN], ids=lambda one: str(one.name)
)
_FIELDS = (
    "fields: name, description, tags, included, excluded, includedContexts, excludedContexts, rules"
)


def _refused(body: object, content_type: str = "application/json") -> str:
    with pytest.raises(InvalidRequest) as caught:
        patched(body, representation(rules=[rule()]), content_type)
    return str(caught.value)


def _replace(path: str, value: Any = "x") -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (_replace("/temporarily"), f"/temporarily is not a field of a segment; {_FIELDS}"),
        (
            _replace("/descripton"),
            f"/descripton is not a field of a segment; nearest: description; {_FIELDS}",
        ),
        (
            {"op": "move", "from": "/tag", "path": "/tags"},
            f"/tag is not a field of a segment; nearest: tags; {_FIELDS}",
        ),
        (_replace("/a key of somebody"), f"path names no field of a segment; {_FIELDS}"),
        (_replace("name"), f"path names no field of a segment; {_FIELDS}"),
        (_replace(""), f"path is empty, which means the whole of a segment; {_FIELDS}"),
        ({"op": "replace"}, "replace needs path, a string such as /name"),
        (
            {"op": "replce", "path": "/name"},
            (
                "replce is not an operation; nearest: replace; "
                "operations: add, remove, replace, move, copy, test"
            ),
        ),
        ("name", "an operation is an object with op and path"),
    ],
)
def test_json_patch__operation_that_is_wrong__is_told_by_its_index(
    operation: object, expected: str
) -> None:
    assert _refused([_replace("/name"), operation]) == f"patch[1]: {expected}"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (_replace("/tags", ["no blanks"]), "tags[0]: String should match pattern"),
        (
            _replace(
                "/rules", [{"clauses": [{"attribute": "a", "op": "startWith", "values": []}]}]
            ),
            "rules[0].clauses[0].op: Input should be 'in', 'endsWith'",
        ),
        (
            _replace("/rules/0/weight", 100_001) | {"op": "add"},
            "rules[0].weight: Input should be less than",
        ),
        (_replace("/version", 9), "/version cannot be changed; fields that can be: name, "),
        ({"op": "move", "from": "/name", "path": "/tags/0"}, "name: Field required"),
    ],
)
def test_json_patch__operation_that_makes_a_wrong_segment__is_told_by_its_index(
    operation: dict[str, Any], expected: str
) -> None:
    said = _refused([_replace("/name"), operation, _replace("/description")])

    assert said.startswith(f"patch[1]: {expected}")


def test_json_patch__operator_misspelt__is_told_the_nearest() -> None:
    operation = _replace("/rules/0/clauses", [clause(op="startWith")])

    assert _refused([operation]).endswith("; nearest: startsWith")


def test_merge_patch__field_that_is_not_one__is_told_the_nearest() -> None:
    for body in ({"descripton": "x"}, {"merge": {"descripton": "x"}}):
        assert _refused(body) == (
            f"merge: /descripton is not a field of a segment; nearest: description; {_FIELDS}"
        )


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (
            {"kind": "addTag"},
            "instructions[1].kind: addTag is not an instruction; nearest: addTags",
        ),
        ({"kind": 5}, "instructions[1].kind: it is not an instruction; instructions: addTags, "),
        (
            {"kind": "addRule", "clauses": [{"attribute": "a", "values": []}]},
            "instructions[1].clauses[0].op: Field required",
        ),
        (
            {"kind": "updateRuleRolloutAndContextKind", "ruleId": "r"},
            "instructions[1].weight: Field required; parameters: ruleId, weight, contextKind",
        ),
        (
            {"kind": "removeRule", "rule_id": "r"},
            "instructions[1]: unknown field rule_id; nearest: ruleId; fields: ruleId",
        ),
        (
            {"kind": "addIncludedTargets", "context_kind": "org", "values": ["o"]},
            "instructions[1]: unknown field context_kind; nearest: contextKind; fields: ",
        ),
        ("addTags", "instructions[1]: an instruction is an object with a kind"),
    ],
)
def test_semantic_patch__instruction_that_is_wrong__is_told_by_its_index(
    instruction: object, expected: str
) -> None:
    first = {"kind": "updateName", "value": "n"}

    assert _refused({"instructions": [first, instruction]}, SEMANTIC).startswith(expected)


@_RESOURCES
def test_json_patch__unknown_field__is_told_in_the_words_of_the_resource(
    resource: Patchable,
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        apply_json_patch(dict.fromkeys(resource.fields), [_replace("/nme")], resource)

    listed = ", ".join(resource.fields)
    said = f"patch[0]: /nme is not a field of {resource.name}; nearest: name; fields: {listed}"
    assert str(caught.value) == said


@_RESOURCES
def test_json_patch__field_of_a_known_client_only__is_left_out(resource: Patchable) -> None:
    document: dict[str, Any] = dict.fromkeys(resource.fields)
    for one in resource.ignored:
        operations = [_replace(f"/{one}", one), _replace("/name", "new")]

        assert apply_json_patch(document, operations, resource) == document | {"name": "new"}
        assert one not in document
    assert SEGMENT.ignored


@_RESOURCES
def test_json_patch__field_of_what_does_not_exist_here__is_told_why(resource: Patchable) -> None:
    for name, why in resource.absent.items():
        with pytest.raises(InvalidRequest) as caught:
            apply_json_patch(
                dict.fromkeys(resource.fields), [_replace(f"/{name}/required")], resource
            )
        assert str(caught.value) == f"patch[0]: /{name}: {why}"
    assert "approvalSettings" in ENVIRONMENT.absent


def test_contexts__without_keys__are_dropped_from_what_is_kept() -> None:
    real = [{"contextKind": "org", "values": ["o"]}, {"contextKind": "device", "values": ["d"]}]
    empty: list[dict[str, Any]] = [{}, {}, {"contextKind": "car", "values": []}]
    names = ("includedContexts", "excludedContexts")

    result = patched([_replace(f"/{name}", [*empty, *real]) for name in names])

    shown = result.document.to_wire()
    assert [shown[name] for name in names] == [real, real]
