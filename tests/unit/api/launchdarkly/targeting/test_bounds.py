"""How large an edit may be and may make a segment's rules."""

import time
import tracemalloc
from typing import Any

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.segments.apply_patch import apply_patch
from api.launchdarkly.segments.references import MOST_REACHED, OtherSegments, find_cycle
from api.launchdarkly.targeting.bounds import MOST_CHARACTERS, MOST_OF_A_VALUE
from api.launchdarkly.targeting.values import Rule
from api.launchdarkly.wire.json_patch import MOST_COPIED
from api.launchdarkly.wire.patch_bodies import MOST_STEPS
from tests.support.segments.segments import (
    NO_OTHERS,
    Ids,
    clause,
    instructed,
    knows_all,
    patched,
    representation,
    rule,
)

_PLACE = {"ruleId": "rule-1", "clauseId": "clause-1"}
_SHOWN = representation(rules=[rule()])


def _rules(*values: Any, op: str = "in") -> list[dict[str, Any]]:
    return [rule(clauses=[clause(op=op, values=list(values))])]


@pytest.mark.parametrize("value", ["x" * (MOST_OF_A_VALUE + 1), [0] * 200_000, {"a": [0] * 9_000}])
def test_value__of_megabytes__is_refused_by_every_kind_of_patch(value: Any) -> None:
    new = clause(_id="clause-2", values=[value])
    bodies = [
        [{"op": "add", "path": "/rules/0/clauses/0/values/-", "value": value}],
        {"rules": _rules(value)},
    ]
    for body in bodies:
        with pytest.raises(InvalidRequest, match=r"10,000 characters"):
            patched(body, _SHOWN)
    for instruction in (
        {"kind": "addValuesToClause", **_PLACE, "values": [value]},
        {"kind": "addClauses", "ruleId": "rule-1", "clauses": [new]},
        {"kind": "updateClause", **_PLACE, "clause": new},
        {"kind": "addRule", "clauses": [new]},
    ):
        with pytest.raises(InvalidRequest, match=r"instructions\[0\]: .*10,000 characters"):
            instructed(instruction, shown=_SHOWN)


def test_value__of_the_largest_size__is_taken() -> None:
    value = "x" * MOST_OF_A_VALUE
    assert patched({"rules": _rules(value)}).document.rules[0].clauses[0].values == (value,)


def test_values__stored_before_the_bound__are_looked_through_once_in_a_request() -> None:
    shown = representation(rules=_rules([0] * 300_000))
    more = {"kind": "addValuesToClause", **_PLACE, "values": []}
    instructed(shown=shown)
    started = time.process_time()
    instructed(*[more] * 2, shown=shown)
    few = time.process_time() - started
    started = time.process_time()
    instructed(*[more] * 200, shown=shown)
    many = time.process_time() - started
    # Each further one took as long as reading the value: 200 took 100 times as long as two.
    assert many < 5 * few


def test_rules__over_the_largest_size__are_refused() -> None:
    values = [f"{number:07d}" * 10 for number in range(MOST_CHARACTERS // 74 + 1)]
    with pytest.raises(InvalidRequest, match="characters of JSON; the rules of a segment"):
        patched({"rules": _rules(*values)})
    many = _rules(*values)
    # What is there already may stay, and be made less.
    shown = representation(rules=many)
    assert patched({"name": "New"}, shown).changed
    assert patched({"rules": _rules(*values[:10])}, shown).changed


def test_pattern__that_compiles_to_too_much__is_refused() -> None:
    for text in (r"\pL{100}", r"(?i)(\pL|\pN){30}"):
        with pytest.raises(InvalidRequest, match=r"rules.0.clauses.0.values.1: the pattern"):
            patched({"rules": _rules("a+", text, op="matches")})
    # LaunchDarkly takes invalid ones too; they match nothing.
    assert patched({"rules": _rules("[", r"^[a-z]+@example\.com$", op="matches")}).changed


def test_patterns__too_large_together__are_refused() -> None:
    patterns = [f"(?:a?){{{number}}}" for number in range(900, 940)]
    with pytest.raises(InvalidRequest, match="together"):
        patched({"rules": _rules(*patterns, op="matches")})
    shown = representation(rules=_rules(*patterns, op="matches"))
    assert patched({"rules": _rules(*patterns[:-1], op="matches")}, shown).changed


def test_patch__of_too_many_steps__is_refused() -> None:
    step = {"op": "replace", "path": "/name", "value": "New"}
    many = [step] * (MOST_STEPS + 1)
    assert patched(many[:2_000]).changed
    for body in (many, {"patch": many}):
        with pytest.raises(InvalidRequest, match=r"patch: 10,001 entries"):
            patched(body)
    with pytest.raises(InvalidRequest, match=r"instructions: 10,001 entries"):
        instructed(*[{"kind": "updateName", "value": "New"}] * (MOST_STEPS + 1))


def test_copies__that_double__are_refused_before_memory_grows() -> None:
    place = "/rules/0/clauses/0/values"
    doubling = [{"op": "copy", "from": place, "path": f"{place}/-"}] * 40
    rules = [{"op": "copy", "from": "/rules/0", "path": "/rules/-"}] * 9_000
    shown = representation(rules=_rules(*[f"value {number}" for number in range(500)]))
    tracemalloc.start()
    try:
        for body in (doubling, rules):
            with pytest.raises(InvalidRequest, match="copies are too large"):
                patched(body, shown)
        assert tracemalloc.get_traced_memory()[1] < 20 * MOST_COPIED
    finally:
        tracemalloc.stop()


def test_references__to_too_many_segments__are_refused() -> None:
    asked: list[str] = []

    def chain(key: str) -> tuple[Rule, ...]:
        asked.append(key)
        return (_refers_to(f"s{len(asked)}"),)

    with pytest.raises(InvalidRequest, match="lead to over 1,000 segments"):
        find_cycle("beta", chain("beta"), OtherSegments(chain, knows_all))
    assert len(asked) <= MOST_REACHED + 2

    wide = clause(op="segmentMatch", attribute="", values=[f"s{n}" for n in range(5_000)])
    with pytest.raises(InvalidRequest, match="lead to over 1,000 segments"):
        apply_patch(
            representation(),
            {"rules": [rule(clauses=[wide])]},
            "",
            environment="production",
            ids=Ids(),
            others=NO_OTHERS,
        )


def _refers_to(key: str) -> Rule:
    return Rule.model_validate(
        rule(clauses=[clause(op="segmentMatch", attribute="", values=[key])])
    )
