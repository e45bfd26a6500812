"""Segments that refer to segments: chains, diamonds, circles, and what is unknown."""

import itertools
from collections.abc import Mapping

import pytest

from api.evaluation import (
    CompiledSegment,
    Context,
    Outcome,
    Rule,
    Segment,
    compile_segment,
    evaluate,
    parse_context,
)
from api.evaluation.segments import SEGMENT_MATCH, Clause
from tests.support.segments.evaluation import Lists

USER = parse_context({"kind": "user", "key": "ada"})


def _refers(*keys: object, negate: bool = False) -> Rule:
    return Rule([Clause("", SEGMENT_MATCH, keys, negate=negate)])


def _compiled(*segments: Segment) -> dict[str, CompiledSegment]:
    return {segment.key: compile_segment(segment) for segment in segments}


def _members(segments: Mapping[str, CompiledSegment], context: Context = USER) -> dict[str, object]:
    outcomes = evaluate(segments, context, {})
    return {
        key: "error" if outcome.error is not None else outcome.is_member
        for key, outcome in outcomes.items()
    }


IN = Segment("in", included=["ada"])
OUT = Segment("out")
SELF = Segment("self", rules=[_refers("self")])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (_refers("in"), True),
        (_refers("out"), False),
        (_refers("out", "in"), True),
        (_refers(), False),
        (_refers("unknown"), "error"),
        (_refers("unknown", "in"), "error"),
        (_refers("in", "unknown"), True),
        (_refers(5, None, ["in"]), False),
        (_refers("in", negate=True), False),
        (_refers("out", negate=True), True),
        (_refers("unknown", negate=True), "error"),
        (_refers("in", "unknown", negate=True), False),
        (_refers(negate=True), True),
        (_refers("self"), "error"),
        (_refers("self", negate=True), "error"),
        (_refers("in", "self"), True),
        (_refers("self", "in"), "error"),
    ],
    ids=repr,
)
def test_segment_match__one_clause__as_documented(rule: Rule, expected: object) -> None:
    assert _members(_compiled(Segment("s", rules=[rule]), IN, OUT, SELF))["s"] == expected


def test_outcomes__any_order_of_segments__in_that_order_and_equal() -> None:
    segments = [
        Segment("a", rules=[_refers("b")]),
        Segment("b", rules=[_refers("c", "a")]),
        Segment("c", rules=[_refers("out")]),
        Segment("d", rules=[_refers("in", "d")]),
        Segment("e", rules=[_refers("out"), _refers("b")]),
        *(IN, OUT),
    ]
    told = {"c": False, "d": True, "in": True, "out": False}
    expected = told | dict.fromkeys(("a", "b", "e"), "error")
    for order in itertools.permutations(segments):
        members = _members(_compiled(*order))
        assert list(members) == [segment.key for segment in order]
        assert members == expected


def test_circle__closed_by_an_included_key__not_noticed() -> None:
    one = Segment("one", rules=[_refers("two")])
    two = Segment("two", included=["ada"], rules=[_refers("one")])
    assert _members(_compiled(one, two)) == {"one": True, "two": True}
    someone = parse_context({"kind": "user", "key": "bob"})
    assert _members(_compiled(one, two), someone) == {"one": "error", "two": "error"}


def test_circle__found__named_in_the_error() -> None:
    outcomes = evaluate(_compiled(SELF), USER, {})
    assert outcomes["self"].error is not None
    assert "'self'" in outcomes["self"].error


def test_diamond__every_way__no_circle() -> None:
    top = Segment("top", rules=[_refers("left"), _refers("right")])
    left = Segment("left", rules=[_refers("in", negate=True)])
    right = Segment("right", rules=[_refers("in")])
    assert _members(_compiled(top, left, right, IN))["top"] is True


@pytest.mark.parametrize("last", [["ada"], []])
def test_chain__ten_thousand_long__no_recursion(last: list[str]) -> None:
    links = [Segment(f"s{number}", rules=[_refers(f"s{number + 1}")]) for number in range(10_000)]
    members = _members(_compiled(*links, Segment("s10000", included=last)))
    assert set(members.values()) == {bool(last)}


def test_circle__ten_thousand_long__all_in_error() -> None:
    links = [Segment(f"s{n}", rules=[_refers(f"s{(n + 1) % 10_000}")]) for n in range(10_000)]
    assert set(_members(_compiled(*links)).values()) == {"error"}


def test_segment_match__on_a_big_segment__by_its_lists() -> None:
    big = Segment("big", unbounded=True, generation=1)
    segments = _compiled(Segment("s", rules=[_refers("big", negate=True)]), big)
    known = evaluate(segments, USER, {"big": Lists(included=True)})
    assert known["s"] == Outcome()
    unknown = evaluate(segments, USER, {})
    assert unknown["s"].error == unknown["big"].error
    assert unknown["s"].is_member is False
    assert unknown["s"].error is not None
