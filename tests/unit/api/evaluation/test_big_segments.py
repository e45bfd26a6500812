"""Big segments: their lists decide, then their rules, and what is unknown is an error."""

from typing import Any

import pytest

from api.evaluation import (
    Outcome,
    Rule,
    Segment,
    Target,
    compile_segment,
    evaluate,
    lookups_for,
    parse_context,
)
from tests.support.segments.evaluation import Lists

USER = {"kind": "user", "key": "ada"}
BOTH = {"kind": "multi", "user": {"key": "ada"}, "org": {"key": "acme"}}
EVERYONE = Rule([])

INCLUDED = Outcome(is_member=True, is_individually_targeted=True)
BY_RULE = Outcome(is_member=True, is_rule_targeted=True)
NO_MEMBER = Outcome()


def _big(**fields: Any) -> Segment:
    return Segment("big", **{"unbounded": True, "generation": 3, **fields})


@pytest.mark.parametrize(
    ("lists", "rules", "outcome"),
    [
        (Lists(), [], NO_MEMBER),
        (Lists(included=True), [], INCLUDED),
        (Lists(excluded=True), [], NO_MEMBER),
        (Lists(included=True, excluded=True), [], INCLUDED),
        (Lists(), [EVERYONE], BY_RULE),
        (Lists(excluded=True), [EVERYONE], NO_MEMBER),
        (Lists(included=True), [EVERYONE], INCLUDED),
    ],
)
def test_big_segment__known_lists__decide_before_rules(
    lists: Lists, rules: list[Rule], outcome: Outcome
) -> None:
    segments = {"big": compile_segment(_big(rules=rules))}
    assert evaluate(segments, parse_context(USER), {"big": lists})["big"] == outcome


def test_big_segment__unknown_membership__error_and_no_member() -> None:
    segments = {"big": compile_segment(_big(rules=[EVERYONE]))}
    outcome = evaluate(segments, parse_context(USER), {})["big"]
    assert outcome.is_member is False
    assert outcome.error is not None
    assert "'big'" in outcome.error
    assert "ada" not in outcome.error


@pytest.mark.parametrize(
    "segment",
    [
        _big(unbounded_context_kind="org", rules=[EVERYONE]),
        _big(generation=None, rules=[EVERYONE]),
    ],
)
def test_big_segment__of_another_kind_or_without_generation__nobody_and_not_asked(
    segment: Segment,
) -> None:
    segments = {"big": compile_segment(segment)}
    context = parse_context(USER)
    assert lookups_for(segments, context) == {}
    assert evaluate(segments, context, {})["big"] == NO_MEMBER


def test_big_segment__targets_in_the_definition__not_looked_at() -> None:
    segment = _big(included=["ada"], included_contexts=[Target("org", ["acme"])])
    segments = {"big": compile_segment(segment)}
    assert evaluate(segments, parse_context(BOTH), {"big": Lists()})["big"] == NO_MEMBER
    excluding = {"big": compile_segment(_big(excluded=["ada"]))}
    lists = {"big": Lists(included=True)}
    assert evaluate(excluding, parse_context(USER), lists)["big"] == INCLUDED


def test_lookups__many_segments__each_with_the_key_of_its_kind() -> None:
    segments = {
        key: compile_segment(
            Segment(key, unbounded=unbounded, unbounded_context_kind=kind, generation=1)
        )
        for key, unbounded, kind in [
            *(("users", True, None), ("also-users", True, ""), ("orgs", True, "org")),
            *(("devices", True, "device"), ("standard", False, None)),
        ]
    }
    asked = lookups_for(segments, parse_context(BOTH))
    assert asked == {"users": "ada", "also-users": "ada", "orgs": "acme"}
