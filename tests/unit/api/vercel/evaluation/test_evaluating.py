"""The order in a segment, segments in segments, attached lists, and what is in error."""

from typing import Any

import pytest

from api.evaluation import Effort, HeavyEvaluation
from api.vercel.evaluation import (
    Attachment,
    CompiledSegment,
    Lookup,
    Outcome,
    compile_segment,
    evaluate,
    lookups,
)
from tests.unit.api.vercel.evaluation.build import (
    compiled,
    condition,
    on_segments,
    outcome_of,
    outcomes_of,
    regex,
    rule,
    split,
    targets,
)

ALL = {"rules": [rule()]}
NOBODY: dict[str, Any] = {"rules": []}
BETA = {
    "include": targets(id=["u1"]),
    "exclude": targets(id=["u2"]),
    "rules": [
        {
            "id": "r1",
            "conditions": [
                {
                    "lhs": {"type": "entity", "kind": "user", "attribute": "email"},
                    "cmp": "endsWith",
                    "rhs": "@ACME.com",
                    "cmpOptions": {"ignoreCase": True},
                }
            ],
            "outcome": split(50_000),
        }
    ],
}


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ({"user": {"id": "u1"}}, (True, "include", None)),
        ({"user": {"id": "u2", "email": "x@acme.com"}}, (False, "exclude", None)),
        ({"user": {"id": "u3", "email": "x@acme.com"}}, (True, "split", "r1")),
        ({"user": {"id": "user_123", "email": "x@acme.com"}}, (False, "split", "r1")),
        ({"user": {"email": "x@acme.com"}}, (False, "split", "r1")),
        ({}, (False, "fallthrough", None)),
        (None, (False, "fallthrough", None)),
    ],
)
def test_segment__includes_excludes_rules__in_that_order(
    entities: Any, expected: tuple[bool, str, str | None]
) -> None:
    outcome = outcome_of(BETA, entities)
    assert (outcome.matched, outcome.reason, outcome.rule_id) == expected
    assert outcome.error is None


def test_rules__failing_split__does_not_fall_through_to_later_rules() -> None:
    data = {"rules": [rule(outcome=split(0), rule_id="first"), rule(rule_id="second")]}
    outcome = outcome_of(data, {"user": {"id": "u1"}})
    assert (outcome.matched, outcome.rule_id) == (False, "first")


@pytest.mark.parametrize("value", [1, ["1"], True, "A"])
def test_include__other_types_and_cases__never_match(value: Any) -> None:
    data = {"include": targets(id=["1", "a", "true"])}
    assert not outcome_of(data, {"user": {"id": value}}).matched


@pytest.mark.parametrize("kind", ["x", 5, True])
def test_kind__primitive_that_is_true__is_an_error_as_flags_core_throws(kind: Any) -> None:
    outcome = outcome_of({"rules": [rule(condition("ex"))]}, {"user": kind})
    assert not outcome.matched
    assert outcome.reason == "error"
    assert "'user' must be an object" in str(outcome.error)


@pytest.mark.parametrize("kind", [None, 0, "", False])
def test_kind__primitive_that_is_false__is_missing(kind: Any) -> None:
    outcome = outcome_of({"rules": [rule(condition("!ex"))]}, {"user": kind})
    assert outcome == Outcome("s", matched=True, reason="rule", rule_id="r1")


def test_include__kinds_that_are_numbers__come_first_as_javascript_orders_keys() -> None:
    entry = {"id": [{"value": "u1"}]}
    data = {"include": {"user": entry, "7": entry}}
    entities = {"user": {"id": "u1"}, "7": "no object"}
    assert outcome_of(data, entities).error is not None
    assert outcome_of({"include": {"user": entry, "x7": entry}}, entities).matched


def test_attributes__inherited_names__exist_on_objects_and_arrays() -> None:
    made = {**condition("ex"), "lhs": {"type": "entity", "kind": "user", "attribute": "toString"}}
    assert outcome_of({"rules": [rule(made)]}, {"user": {}}).matched
    length = {
        **condition("eq", 2),
        "lhs": {"type": "entity", "kind": "tags", "attribute": "length"},
    }
    assert outcome_of({"rules": [rule(length)]}, {"tags": ["a", "b"]}).matched


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (on_segments("eq", "all"), True),
        (on_segments("eq", "nobody"), False),
        (on_segments("eq", "none"), False),
        (on_segments("!eq", "all"), False),
        (on_segments("!eq", "nobody"), True),
        (on_segments("!eq", "none"), False),
        (on_segments("!eq", "toString"), True),
        (on_segments("oneOf", ["none", "all"]), True),
        (on_segments("oneOf", ["nobody"]), False),
        (on_segments("oneOf", []), False),
        (on_segments("oneOf", "all"), False),
        (on_segments("!oneOf", ["nobody"]), True),
        (on_segments("!oneOf", ["nobody", "none"]), False),
        (on_segments("!oneOf", []), True),
        (on_segments("eq", ["all"]), True),
        (on_segments("eq", ""), False),
        (on_segments("gt", ""), False),
        (on_segments("!oneOf", "all"), "throws"),
        (on_segments("startsWith", "all"), "throws"),
    ],
)
def test_segment_in_segment__comparators__as_flags_core(made: Any, expected: bool | str) -> None:
    segments = compiled(s={"rules": [rule(made)]}, all=ALL, nobody=NOBODY)
    outcome = outcomes_of(segments, {})["s"]
    assert (outcome.matched if outcome.error is None else "throws") == expected


@pytest.mark.parametrize(
    "order", [["a", "b", "c", "d"], ["d", "c", "b", "a"], ["b", "d", "a", "c"]]
)
def test_circle__any_order_of_asking__all_on_it_and_before_it_are_in_error(
    order: list[str],
) -> None:
    definitions = {
        "a": {"rules": [rule(on_segments("eq", "b"))]},
        "b": {"rules": [rule(on_segments("!eq", "c"))]},
        "c": {"rules": [rule(on_segments("oneOf", ["b"]))]},
        "d": {"include": targets(id=["u1"]), "rules": [rule(on_segments("eq", "a"))]},
    }
    segments = compiled(**{name: definitions[name] for name in order})
    outcomes = outcomes_of(segments, {"user": {"id": "u1"}})
    assert {name for name, outcome in outcomes.items() if outcome.error} == {"a", "b", "c"}
    assert "refers to itself" in str(outcomes["a"].error)
    assert outcomes["d"].matched


def test_circle__cut_by_an_earlier_condition__is_harmless() -> None:
    data = {"rules": [rule(condition("ex"), on_segments("eq", "s"))]}
    assert outcomes_of(compiled(s=data), {})["s"].error is None


@pytest.mark.parametrize("is_deepest_first", [True, False])
def test_nesting__to_a_hundred__and_not_deeper(is_deepest_first: bool) -> None:
    chain = {f"s{n}": {"rules": [rule(on_segments("eq", f"s{n + 1}"))]} for n in range(2_000)}
    segments = compiled(**chain, s2000=ALL)
    if is_deepest_first:
        segments = dict(reversed(segments.items()))
    outcomes = outcomes_of(segments, {})
    assert outcomes["s1901"].matched
    assert "over 100 deep" in str(outcomes["s1900"].error)
    assert outcomes["s0"].error is not None


def _listed(*attachments: Attachment, **data: Any) -> dict[str, CompiledSegment]:
    return {"s": compile_segment("s", {**data}, attachments=attachments)}


IN = Attachment("include", "user", "id")
OUT = Attachment("exclude", "user", "id")
WHO = {"user": {"id": "u1"}}


def _with_lists(
    segments: dict[str, CompiledSegment], answers: dict[tuple[str, str], bool | None]
) -> Outcome:
    members = {("s", side, "user", "id"): answer for (side, _), answer in answers.items()}
    (outcome,) = evaluate([segments["s"]], WHO, resolve=segments.get, is_member=members)  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize(
    ("included", "excluded", "expected"),
    [
        (True, True, (True, "include_list")),
        (False, True, (False, "exclude_list")),
        (False, False, (True, "rule")),
        (True, None, (True, "include_list")),
        (None, True, (False, "error")),
        (False, None, (False, "error")),
    ],
)
def test_lists__answers__beside_the_inline_entries_and_lost_ones_are_errors(
    included: bool | None, excluded: bool | None, expected: tuple[bool, str]
) -> None:
    segments = _listed(IN, OUT, rules=[rule()])
    answers: dict[tuple[str, str], bool | None] = {("include", "id"): included}
    answers["exclude", "id"] = excluded
    outcome = _with_lists(segments, answers)
    assert (outcome.matched, outcome.reason) == expected
    assert (outcome.error is not None) is (outcome.reason == "error")


def test_lists__lost_and_left_out__but_decided_inline__no_error() -> None:
    assert _with_lists(_listed(IN, include=targets(id=["u1"])), {}).matched
    assert _with_lists(_listed(IN), {}).error is not None
    assert _with_lists(_listed(OUT, exclude=targets(id=["u1"])), {}).reason == "exclude"


def test_lists__segment_in_error__so_are_those_that_depend_on_it_and_no_others() -> None:
    segments = _listed(IN) | compiled(
        t={"rules": [rule(on_segments("!eq", "s"))]},
        u={"rules": [rule(condition("ex"), on_segments("eq", "s"))]},
    )
    outcomes = outcomes_of(segments, WHO)
    assert [bool(outcomes[name].error) for name in "stu"] == [True, True, False]


def test_lookups__reachable_lists__once_each_and_only_for_strings() -> None:
    tags = Attachment("include", "user", "tags")
    segments = _listed(IN, OUT, tags) | compiled(
        t={"rules": [rule(on_segments("oneOf", ["s", "t", "none"]))]}, u=ALL
    )
    entities = {"user": {"id": "u1", "tags": ["a"]}}
    found = lookups([segments["t"], segments["s"]], entities, segments.get)
    assert sorted(found, key=lambda lookup: lookup.side) == [
        Lookup("s", "exclude", "user", "id", "u1"),
        Lookup("s", "include", "user", "id", "u1"),
    ]
    assert found[0].list_name == ("s", found[0].side, "user", "id")
    assert lookups([segments["u"]], entities, segments.get) == []
    assert lookups([segments["s"]], {"user": "x"}, segments.get) == []


def test_lookups__inline_entry_decides__none_are_needed() -> None:
    segments = _listed(IN, include=targets(id=["u1"]))
    assert lookups(segments.values(), WHO, segments.get) == []


def test_effort__light_and_not_enough__says_that_it_is_heavy() -> None:
    data = {"rules": [rule(condition("contains", "x")) for _ in range(2_000)]}
    segments = compiled(**{f"s{n}": data for n in range(30)})
    with pytest.raises(HeavyEvaluation):
        outcomes_of(segments, {"user": {"v": "a"}}, Effort.light())
    assert not any(
        outcome.error for outcome in outcomes_of(segments, {"user": {"v": "a"}}).values()
    )


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (
            condition("containsAnyOf", [f"v{n}" for n in range(10_000)]),
            [f"w{n}" for n in range(9_999)],
        ),
        (condition("contains", "x" * 500 + "y"), "x" * 500_000),
        (condition("gt", "5"), [[n] for n in range(50_000)]),
        (condition("before", "2024"), "1" * 500_000),
        (condition("regex", regex("(?:a?){800}b")), "a" * 10_000),
        (condition("lt", 5), "1" * 200_000),
    ],
)
def test_effort__costly_values__end_in_errors_within_a_bounded_time(made: Any, value: Any) -> None:
    data = {"rules": [rule(made) for _ in range(100)]}
    segments = compiled(**{f"s{n}": data for n in range(3)})
    effort = Effort(tests_left=5_000)
    outcomes = outcomes_of(segments, {"user": {"v": value}}, effort)
    assert any("cost too much" in str(outcome.error) for outcome in outcomes.values())
