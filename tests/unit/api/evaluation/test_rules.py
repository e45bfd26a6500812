"""Targets, clauses and rules of one standard segment."""

from typing import Any

import pytest

from api.evaluation import (
    Clause,
    Outcome,
    Rule,
    Segment,
    Target,
    compile_segment,
    evaluate,
    parse_context,
)

INCLUDED = Outcome(is_member=True, is_individually_targeted=True)
BY_RULE = Outcome(is_member=True, is_rule_targeted=True)
NO_MEMBER = Outcome()

USER = {"kind": "user", "key": "ada", "plan": "gold", "tags": ["a", None, ["b"]], "none": None}
ORG = {"kind": "org", "key": "acme"}
BOTH = {"kind": "multi", "user": {"key": "ada", "plan": "gold"}, "org": {"key": "acme"}}


def _outcome(segment: Segment, document: dict[str, Any]) -> Outcome:
    return evaluate({"s": compile_segment(segment)}, parse_context(document), {})["s"]


def _matches(clause: Clause, document: dict[str, Any]) -> bool:
    return _outcome(Segment("s", rules=[Rule([clause])]), document).is_member


EVERYONE = Rule([])


@pytest.mark.parametrize(
    ("segment", "document", "outcome"),
    [
        (Segment("s"), USER, NO_MEMBER),
        (Segment("s", included=["ada"]), USER, INCLUDED),
        (Segment("s", included=["ada"], excluded=["ada"]), USER, INCLUDED),
        (Segment("s", included=["ada"], rules=[EVERYONE]), USER, INCLUDED),
        (Segment("s", included=["acme"]), ORG, NO_MEMBER),
        (Segment("s", included=["ada"]), BOTH, INCLUDED),
        (Segment("s", rules=[EVERYONE]), USER, BY_RULE),
        (Segment("s", excluded=["ada"], rules=[EVERYONE]), USER, NO_MEMBER),
        (Segment("s", excluded=["acme"], rules=[EVERYONE]), ORG, BY_RULE),
        (Segment("s", included_contexts=[Target("org", ["acme"])]), ORG, INCLUDED),
        (Segment("s", included_contexts=[Target("org", ["acme"])]), BOTH, INCLUDED),
        (Segment("s", included_contexts=[Target("org", ["ada"])]), BOTH, NO_MEMBER),
        (
            Segment("s", included_contexts=[Target("org", ["x"]), Target("org", ["acme"])]),
            ORG,
            INCLUDED,
        ),
        (
            Segment("s", excluded=["ada"], included_contexts=[Target("org", ["acme"])]),
            BOTH,
            INCLUDED,
        ),
        (
            Segment("s", excluded_contexts=[Target("org", ["acme"])], rules=[EVERYONE]),
            BOTH,
            NO_MEMBER,
        ),
        # As Go has it: a mere user is not looked for among the targets by kind.
        (Segment("s", included_contexts=[Target("user", ["ada"])]), USER, NO_MEMBER),
        (Segment("s", included_contexts=[Target("", ["ada"])]), BOTH, INCLUDED),
    ],
    ids=repr,
)
def test_targets__one_segment__outcome(
    segment: Segment, document: dict[str, Any], outcome: Outcome
) -> None:
    assert _outcome(segment, document) == outcome


@pytest.mark.parametrize(
    ("clause", "document", "plain", "negated"),
    [
        (Clause("plan", "in", ["gold"]), USER, True, False),
        (Clause("plan", "in", ["lead"]), USER, False, True),
        (Clause("plan", "in", []), USER, False, True),
        (Clause("plan", "unheardOf", ["gold"]), USER, False, True),
        (Clause("plan", "in", ["gold"], kind="org"), USER, False, False),
        (Clause("plan", "in", ["gold"]), ORG, False, False),
        (Clause("plan", "in", ["gold"], kind="user"), BOTH, True, False),
        (Clause("missing", "in", ["gold"]), USER, False, False),
        (Clause("none", "in", [None]), USER, False, False),
        (Clause("tags", "in", ["a"]), USER, True, False),
        (Clause("tags", "in", ["z"]), USER, False, True),
        (Clause("tags", "in", ["b", ["b"], None]), USER, False, True),
        (Clause("tags", "in", ["a"]), {**USER, "tags": []}, False, True),
        (Clause("plan", "in", [{"a": 1}]), {**USER, "plan": {"a": 1}}, False, True),
        (Clause("anonymous", "in", [False]), USER, True, False),
        (Clause("key", "startsWith", ["a"]), USER, True, False),
        (Clause("name", "in", ["Ada"]), USER, False, False),
        (Clause("kind", "in", ["org"]), BOTH, True, False),
        (Clause("kind", "in", ["org"]), USER, False, True),
        (Clause("kind", "in", ["org"], kind="device"), BOTH, True, False),
        (Clause("kind", "startsWith", ["us"]), BOTH, True, False),
        (Clause("/kind", "in", ["org"], kind="user"), BOTH, False, True),
        (Clause("/kind", "in", ["user"], kind="user"), BOTH, True, False),
    ],
    ids=repr,
)
def test_clause__plain_and_negated__as_documented(
    clause: Clause, document: dict[str, Any], plain: bool, negated: bool
) -> None:
    opposite = Clause(clause.attribute, clause.op, clause.values, negate=True, kind=clause.kind)
    assert _matches(clause, document) is plain
    assert _matches(opposite, document) is negated


GOLD, LEAD = Clause("plan", "in", ["gold"]), Clause("plan", "in", ["lead"])
MALFORMED = Clause("/", "in", ["x"], kind="user")


def test_rule__several_clauses__all_must_match() -> None:
    assert _outcome(Segment("s", rules=[Rule([GOLD, GOLD])]), USER) == BY_RULE
    assert _outcome(Segment("s", rules=[Rule([GOLD, LEAD])]), USER) == NO_MEMBER


def test_rules__several__one_is_enough() -> None:
    assert _outcome(Segment("s", rules=[Rule([LEAD]), Rule([GOLD])]), USER) == BY_RULE


def test_malformed_clause__reached__error_and_no_member() -> None:
    outcome = _outcome(Segment("s", rules=[Rule([MALFORMED]), EVERYONE]), USER)
    assert not outcome.is_member
    assert outcome.error is not None
    assert "'/'" in outcome.error


@pytest.mark.parametrize(
    ("rules", "included"),
    [
        ([Rule([LEAD, MALFORMED]), EVERYONE], []),
        ([EVERYONE, Rule([MALFORMED])], []),
        ([Rule([MALFORMED])], ["ada"]),
    ],
)
def test_malformed_clause__not_reached__no_error(rules: list[Rule], included: list[str]) -> None:
    outcome = _outcome(Segment("s", included=included, rules=rules), USER)
    assert outcome.is_member
    assert outcome.error is None
