from typing import Any

import pytest

from api.errors import Broken, Conflict, InvalidRequest
from api.launchdarkly.segments.apply_patch import apply_patch
from api.launchdarkly.segments.references import OtherSegments
from api.launchdarkly.targeting.values import Rule
from tests.support.segments.segments import (
    SEMANTIC,
    Ids,
    big_representation,
    clause,
    knows_all,
    patched,
    representation,
    rule,
)

LISTS = ("included", "excluded", "rules", "includedContexts", "excludedContexts")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ([{"op": "replace", "path": "/name", "value": "New"}], "application/json"),
        ({"patch": [{"op": "replace", "path": "/name", "value": "New"}]}, "application/json"),
        ({"merge": {"name": "New"}}, "application/json"),
        ({"name": "New"}, ""),
        ({"name": "New", "_flags": []}, "application/merge-patch+json"),
        ({"instructions": [{"kind": "updateName", "value": "New"}]}, SEMANTIC),
        (
            {
                "environmentKey": "production",
                "instructions": [{"kind": "updateName", "value": "New"}],
            },
            SEMANTIC,
        ),
    ],
)
def test_apply_patch__every_shape__understood(body: object, content_type: str) -> None:
    shown = representation()
    result = patched(body, shown, content_type)
    assert (result.document.name, result.changed) == ("New", True)
    assert shown == representation()


@pytest.mark.parametrize("field", ["patch", "merge"])
def test_apply_patch__comment__handed_on(field: str) -> None:
    empty: Any = [] if field == "patch" else {}
    result = patched({field: empty, "comment": "Terraform"})
    assert (result.comment, result.changed) == ("Terraform", False)


def test_apply_patch__failed_test__is_a_conflict_that_repeats_no_value() -> None:
    body = [{"op": "test", "path": "/included/0", "value": "secret-1"}]
    with pytest.raises(Conflict) as caught:
        patched(body, representation(included=["secret-2"]))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/version", "value": 2},
        {"op": "test", "path": "/version", "value": "3"},
        {"op": "test", "path": "/deleted", "value": 0},
        {"op": "test", "path": "/nothing", "value": None},
        {"op": "test", "path": "/rules/7/weight", "value": 1},
    ],
)
def test_apply_patch__test_of_another_state__conflict(operation: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        patched([operation])


def test_apply_patch__test_of_read_only_fields__passes() -> None:
    names = ("key", "version", "creationDate", "generation", "_links")
    shown = representation()
    tests = [{"op": "test", "path": f"/{name}", "value": shown[name]} for name in names]
    assert not patched([*tests, {"op": "test", "path": "/description"}], shown).changed


@pytest.mark.parametrize(
    "name", ["key", "version", "creationDate", "unbounded", "generation", "deleted", "_links"]
)
def test_apply_patch__read_only_field__refused_by_name(name: str) -> None:
    for body in (
        [{"op": "replace", "path": f"/{name}", "value": "other"}],
        [{"op": "remove", "path": f"/{name}"}],
        [{"op": "move", "from": f"/{name}", "path": "/description"}],
        {name: "other"},
        {"merge": {name: None}} if name not in {"unbounded", "deleted"} else {name: True},
    ):
        with pytest.raises(InvalidRequest, match=f"/{name} cannot be changed"):
            patched(body)


def test_apply_patch__read_only_fields_echoed__are_no_change() -> None:
    result = patched(representation(description="new", unbounded=False))
    assert (result.changed, result.document.description) == (True, "new")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/descripton", "value": "x"},
        {"op": "add", "path": "/unknown", "value": "x"},
        {"op": "remove", "path": "/rules/0"},
        {"op": "add", "path": "/tags/2", "value": "x"},
        {"op": "add", "path": "/tags/01", "value": "x"},
        {"op": "add", "path": "/name/0", "value": "x"},
        {"op": "add", "path": "tags", "value": "x"},
        {"op": "add", "path": "/tags/~2", "value": "x"},
        {"op": "replace", "path": "", "value": {}},
        {"op": "copy", "from": "", "path": "/tags/-"},
        {"op": "copy", "path": "/tags/-"},
        {"op": "move", "from": "/tags", "path": "/tags/0"},
        {"op": "append", "path": "/name", "value": "x"},
        {"op": ["add"], "path": "/name", "value": "x"},
        {"op": "add", "path": 5, "value": "x"},
        {"op": "remove", "path": "/name"},
        {"op": "replace", "path": "/name"},
        "remove",
    ],
)
def test_apply_patch__operation_that_cannot_be_applied__refused(operation: object) -> None:
    with pytest.raises(InvalidRequest):
        patched([operation])


def test_apply_patch__null_or_removed_lists__are_empty() -> None:
    full = representation(tags=["a"], included=["k"], description="d", rules=[rule()])
    for body in (
        [{"op": "replace", "path": f"/{name}"} for name in ("tags", "included", "rules")],
        [{"op": "remove", "path": f"/{name}"} for name in ("tags", "included", "rules")],
        {"tags": None, "included": None, "rules": None},
    ):
        document = patched(body, full).document
        assert (document.tags, document.included, document.rules) == ((), (), ())
    assert patched([{"op": "remove", "path": "/description"}], full).document.description is None


def test_apply_patch__terraform_on_a_big_segment__changes_nothing() -> None:
    operations: list[dict[str, Any]] = [
        {"op": "replace", "path": f"/{name}", "value": []} for name in LISTS
    ]
    operations += [
        {"op": "replace", "path": "/name", "value": "Beta"},
        {"op": "replace", "path": "/description", "value": "d"},
        {"op": "remove", "path": "/tags"},
    ]
    body = {"comment": "Terraform", "patch": operations}
    result = patched(body, big_representation(description="d"))
    assert (result.changed, result.document.tags) == (False, ())


@pytest.mark.parametrize(
    "body",
    [
        {"included": ["k"]},
        {"rules": [rule()]},
        [{"op": "add", "path": "/excluded/-", "value": "k"}],
    ],
)
def test_apply_patch__targets_or_rules_on_a_big_segment__refused(body: object) -> None:
    with pytest.raises(InvalidRequest, match="a big segment takes no"):
        patched(body, big_representation())


def test_apply_patch__other_type_or_order__is_a_change() -> None:
    shown = representation(rules=[rule(clauses=[clause(values=[1, 2])])], included=["a", "b"])
    path = "/rules/0/clauses/0/values/0"
    for value, changed in ((1, False), (1.0, True), (True, True), ("1", True)):
        assert patched([{"op": "replace", "path": path, "value": value}], shown).changed is changed
    assert patched({"included": ["b", "a"]}, shown).changed
    assert not patched({"included": ["a", "b"]}, shown).changed


def test_apply_patch__rules_that_close_a_circle__refused() -> None:
    other = Rule.model_validate(
        rule(clauses=[clause(op="segmentMatch", attribute="", values=["beta"])])
    )
    new = rule(clauses=[clause(op="segmentMatch", attribute="", values=["other"])])
    with pytest.raises(InvalidRequest, match="beta -> other -> beta"):
        apply_patch(
            representation(),
            {"rules": [new]},
            "",
            environment="production",
            ids=Ids(),
            others=OtherSegments(lambda key: (other,) if key == "other" else (), knows_all),
        )


def test_apply_patch__nested_or_copied_without_end__refused_at_once() -> None:
    place = "/rules/0/clauses/0/values"
    grows = [{"op": "copy", "from": place, "path": f"{place}/-"} for _ in range(200)]
    sinks = [{"op": "add", "path": place + "/0" * depth, "value": []} for depth in range(1, 200)]
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    shown = representation(rules=[rule(clauses=[clause(values=[])])])
    for body in (grows, sinks, {"rules": deep}):
        with pytest.raises(InvalidRequest):
            patched(body, shown)


def test_apply_patch__unreadable_definition__is_not_the_callers_fault() -> None:
    with pytest.raises(Broken, match="beta"):
        patched([], representation(rules=5), "")
