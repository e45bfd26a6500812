from typing import Any

import pytest

from api.errors import InvalidRequest
from tests.support.segments.segments import UUID, clause, instructed, representation, rule

ANONYMOUS = {"attribute": "country", "op": "in", "values": ["MX", 5], "negate": True}


def _rules(*instructions: Any, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    result = instructed(*instructions, shown=representation(rules=shown))
    rules: list[dict[str, Any]] = result.document.to_wire()["rules"]
    return rules


def test_add_rule__everything_given__at_the_end_or_before_another() -> None:
    added = {
        "kind": "addRule",
        "clauses": [ANONYMOUS],
        "description": "Mexicans",
        "weight": "20000",
        "rolloutContextKind": "device",
        "bucketBy": "email",
    }
    first, second, third = _rules(
        added, {"kind": "addRule", "beforeRuleId": "rule-1"}, shown=[rule()]
    )
    assert (first["_id"], first["clauses"]) == (UUID % 3, [])
    assert second == rule()
    assert third == {
        "_id": UUID % 1,
        "clauses": [ANONYMOUS | {"_id": UUID % 2, "contextKind": "user"}],
        "description": "Mexicans",
        "weight": 20_000,
        "rolloutContextKind": "device",
        "bucketBy": "email",
    }


def test_remove_rule__there_or_not__is_gone() -> None:
    gone = {"kind": "removeRule", "ruleId": "rule-1"}
    assert _rules(gone, gone, shown=[rule(), rule("rule-2")]) == [rule("rule-2")]


def test_reorder_rules__all_of_them__in_the_new_order() -> None:
    order = {"kind": "reorderRules", "ruleIds": ["b", "c", "a"]}
    rules = [rule("a"), rule("b"), rule("c")]
    assert [one["_id"] for one in _rules(order, shown=rules)] == ["b", "c", "a"]


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "a"], ["a", "b", "b"], ["a", "c"]])
def test_reorder_rules__any_other_set__refused(ids: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="every rule of the segment once"):
        _rules({"kind": "reorderRules", "ruleIds": ids}, shown=[rule("a"), rule("b")])


@pytest.mark.parametrize(("weight", "number"), [(0, 0), ("100000", 100_000), ("007", 7)])
def test_update_rollout__number_or_its_digits__taken(weight: object, number: int) -> None:
    update = {"kind": "updateRuleRolloutAndContextKind", "ruleId": "rule-1", "weight": weight}
    assert _rules(update, shown=[rule()]) == [rule(weight=number)]
    with_kind = update | {"contextKind": "device"}
    expected = rule(weight=number, rolloutContextKind="device")
    assert _rules(with_kind, shown=[rule()]) == [expected]


@pytest.mark.parametrize("weight", ["", "1.5", "-1", "100001", "1e3", " 1", "٣", 1.0, True, None])
def test_update_rollout__anything_else__refused(weight: object) -> None:
    update = {"kind": "updateRuleRolloutAndContextKind", "ruleId": "rule-1", "weight": weight}
    with pytest.raises(InvalidRequest, match=r"instructions\[0\]\.weight: "):
        _rules(update, shown=[rule()])


def test_update_rule_description__given_or_null__set_or_left_out() -> None:
    update = {"kind": "updateRuleDescription", "ruleId": "rule-1", "description": "d"}
    assert _rules(update, shown=[rule()]) == [rule(description="d")]
    cleared = update | {"description": None}
    assert _rules(cleared, shown=[rule(description="d")]) == [rule()]


def test_clauses__added_replaced_and_removed__others_stay_in_order() -> None:
    rules = [rule(clauses=[clause(_id="a"), clause(_id="b"), clause(_id="c")])]
    [changed] = _rules(
        {"kind": "addClauses", "ruleId": "rule-1", "clauses": [ANONYMOUS]},
        {"kind": "updateClause", "ruleId": "rule-1", "clauseId": "b", "clause": ANONYMOUS},
        {"kind": "removeClauses", "ruleId": "rule-1", "clauseIds": ["a", "not there"]},
        shown=rules,
    )
    replaced = ANONYMOUS | {"contextKind": "user"}
    assert changed["clauses"] == [
        replaced | {"_id": "b"},
        clause(_id="c"),
        replaced | {"_id": UUID % 1},
    ]


def test_values__added_and_removed__by_value_and_type() -> None:
    place = {"ruleId": "rule-1", "clauseId": "clause-1"}
    [changed] = _rules(
        place | {"kind": "addValuesToClause", "values": ["a", "A", 1, 1.0, True, "A"]},
        place | {"kind": "removeValuesFromClause", "values": ["1", False, "b", 1.0]},
        shown=[rule(clauses=[clause(values=["a", "b", "b", False, 0])])],
    )
    assert repr(changed["clauses"][0]["values"]) == repr(["a", 0, "A", 1, True])


@pytest.mark.parametrize(
    "instruction",
    [
        {"kind": "addClauses", "ruleId": "no", "clauses": []},
        {"kind": "removeClauses", "ruleId": "no", "clauseIds": []},
        {"kind": "addClauses", "ruleId": "rule-1", "clauses": [clause()]},
        {"kind": "addClauses", "ruleId": "rule-1", "clauses": [clause(_id="x", op="equals")]},
        {"kind": "addRule", "_id": "rule-1"},
        {"kind": "addRule", "beforeRuleId": "no"},
        {"kind": "updateClause", "ruleId": "rule-1", "clauseId": "no", "clause": ANONYMOUS},
        {"kind": "updateClause", "ruleId": "rule-1", "clauseId": "clause-1", "clause": {}},
        {"kind": "updateClause", "ruleId": "rule-1", "clauseId": "clause-1", "clause": []},
        {"kind": "addValuesToClause", "ruleId": "rule-1", "clauseId": "no", "values": []},
        {"kind": "addValuesToClause", "ruleId": "rule-1", "clauseId": "clause-1", "values": "a"},
        {"kind": "updateRuleDescription", "ruleId": "rule-1"},
    ],
)
def test_apply_instructions__rule_or_clause_wrong_or_missing__refused(
    instruction: dict[str, Any],
) -> None:
    with pytest.raises(InvalidRequest, match=r"^instructions\[0\]"):
        _rules(instruction, shown=[rule()])


def test_values__of_a_segment_match__stay_segment_keys() -> None:
    clauses = [clause(op="segmentMatch", attribute="", values=["other"])]
    added = {"kind": "addValuesToClause", "ruleId": "rule-1", "clauseId": "clause-1"}
    with pytest.raises(InvalidRequest, match="segment keys"):
        _rules(added | {"values": [1]}, shown=[rule(clauses=clauses)])


def test_apply_instructions__too_much_to_look_through__refused_at_once() -> None:
    clauses = [clause(values=list(range(100_000)))]
    place = {"kind": "addValuesToClause", "ruleId": "rule-1", "clauseId": "clause-1"}
    with pytest.raises(InvalidRequest, match="too much work for one request"):
        _rules(*[place | {"values": ["a"]}] * 200, shown=[rule(clauses=clauses)])
