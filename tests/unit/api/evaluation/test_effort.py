"""What evaluation may cost: patterns made to be slow, and many ordinary segments."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from api.evaluation import (
    Clause,
    CompiledSegment,
    HeavyEvaluation,
    Outcome,
    Rule,
    Segment,
    SegmentInError,
    compile_segment,
    evaluate,
    parse_context,
)
from api.evaluation.effort import PATTERN_STEPS, Effort
from api.evaluation.operators.patterns import pattern_of
from tests.support.segments.evaluation import Lists

#: 10,000 optional letters, then one that is not there: RE2 alone takes 20 s on 64 KiB.
SLOW = "(?:a?){1000}" * 8 + "b"


def _cpu_ms(work: Callable[[], object], times: int = 5) -> float:
    """The least of some runs: a neighbour on the core, or garbage of other tests, only adds."""
    found = []
    for _ in range(times):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found) * 1e3


def test_pattern__made_to_be_slow__refused_before_it_starts() -> None:
    pattern = pattern_of(SLOW)
    assert pattern is not None
    effort = Effort()
    with pytest.raises(SegmentInError):
        pattern.is_in("a" * 65_536, effort)
    assert effort.steps_left == PATTERN_STEPS
    assert not pattern.is_in("aaa", effort)
    assert effort.steps_left < PATTERN_STEPS


def test_evaluation__thousand_slow_patterns__bounded_and_errors_say_so() -> None:
    rules = [Rule([Clause("text", "matches", [SLOW])])]
    slow = compile_segment(Segment("slow", rules=rules))
    segments = {f"s{number}": replace(slow, key=f"s{number}") for number in range(1_000)}
    segments["plain"] = compile_segment(Segment("plain", included=["ada"]))
    context = parse_context({"kind": "user", "key": "ada", "text": "a" * 300})
    outcomes = evaluate(segments, context, {})
    errors = [outcome.error for outcome in outcomes.values() if outcome.error is not None]
    assert 900 < len(errors) < 1_000
    assert "patterns" in errors[0]
    assert outcomes["plain"].is_member


def _costly() -> dict[str, CompiledSegment]:
    """Segments that cost much, in every way there is."""
    six = [f"{number:06d}" for number in range(20_000)]
    lengths = ["z" * length for length in range(1, 1_300)]
    clauses = {
        "contains": Clause("words", "contains", six),
        "starts": Clause("words", "startsWith", lengths),
        "ends": Clause("words", "endsWith", lengths),
        "patterns": Clause("words", "matches", [f"(?:a?){{{n}}}b" for n in range(900, 925)]),
        "versions": Clause("words", "semVerEqual", ["1.0.0"]),
        "in": Clause("numbers", "in", [-1]),
        "match": Clause("", "segmentMatch", [f"none-{number}" for number in range(80_000)]),
    }
    segments = {}
    for name, clause in clauses.items():
        one = compile_segment(Segment(name, rules=[Rule([clause])]))
        for number in range(20):
            key = f"{name}-{number}"
            segments[key] = replace(one, key=key, rules=one.rules * 50)
    return segments


def test_evaluation__of_everything_at_once__bounded_and_errors_say_so() -> None:
    segments = _costly()
    segments["plain"] = compile_segment(Segment("plain", included=["ada"]))
    words = ["y" * 20 for _ in range(3_000)] + ["z" * 1_200 for _ in range(20)]
    words.append("1.0.0-" + "a." * 5_000)
    context = parse_context({"kind": "user", "key": "ada", "words": words, "numbers": [1] * 20_000})
    outcomes: dict[str, Outcome] = {}
    took = _cpu_ms(lambda: outcomes.update(evaluate(segments, context, {})), times=1)
    print(f"everything at once {took:.0f} ms")  # noqa: T201  # figures
    errors = [outcome.error for outcome in outcomes.values() if outcome.error is not None]
    assert len(errors) > 100
    assert "clauses cost too much" in errors[0]
    assert outcomes["plain"].is_member
    # Measured: 1.1 to 1.6 s of CPU; without the bounds, hours.
    assert took < 6_000


def test_evaluation__with_a_light_effort__says_that_it_is_heavy() -> None:
    context = parse_context({"kind": "user", "key": "ada", "numbers": [1] * 20_000})
    segments = _costly()
    with pytest.raises(HeavyEvaluation):
        evaluate(segments, context, {}, Effort.light())
    few = {key: segment for key, segment in segments.items() if key == "in-0"}
    light = parse_context({"kind": "user", "key": "ada", "numbers": [1] * 100})
    assert not evaluate(few, light, {}, Effort.light())["in-0"].is_member


def test_contains__thousands_of_values__cost_hardly_more_than_a_few() -> None:
    values = [f"{number:06d}" for number in range(20_000)]
    words = ["y" * 20 for _ in range(3_000)]
    context = parse_context({"kind": "user", "key": "ada", "words": words})
    many = {"s": compile_segment(Segment("s", rules=[Rule([Clause("words", "contains", values)])]))}
    evaluate(many, context, {})
    # Measured: 12 ms; one after the other, 2.5 s.
    assert _cpu_ms(lambda: evaluate(many, context, {})) < 150


@pytest.mark.parametrize("text", ["(?:\\pL{1000}){900}", "(" * 2_000, "a{1001}", "[", "\\8"])
def test_pattern__too_large_or_malformed__none(text: str) -> None:
    assert pattern_of(text) is None


def _thousand() -> dict[str, Segment]:
    """Half big, half with 100 targets and three rules of two clauses: all kinds of operators."""
    clauses = [
        Clause("country", "in", ["de", "fr", "it"]),
        Clause("email", "endsWith", ["@example.com"], negate=True),
        Clause("email", "matches", ["^[a-z]+@(x|y)\\.com$"]),
        Clause("age", "lessThan", [18]),
        Clause("since", "before", ["2024-01-01T00:00:00Z"]),
        Clause("version", "semVerGreaterThan", ["1.2.3"]),
        Clause("/plan/tier", "in", ["gold"], kind="user"),
        Clause("", "segmentMatch", ["s1", "s2"]),
    ]
    segments = {}
    for number in range(1_000):
        key = f"s{number}"
        if number % 2:
            segments[key] = Segment(key, unbounded=True, generation=1)
            continue
        rules = [
            Rule([clauses[(number + at) % 8], clauses[(number * 3 + at) % 8]], weight=40_000 * at)
            for at in range(3)
        ]
        targets = [f"user-{number}-{target}" for target in range(100)]
        segments[key] = Segment(key, "salt", targets[:90], targets[90:], rules=rules)
    return segments


def test_thousand_segments__compiled_and_evaluated__a_fraction_of_the_budget(
    record_property: Callable[[str, object], None],
) -> None:
    definitions = _thousand()
    segments: dict[str, CompiledSegment] = {}
    compiling = _cpu_ms(
        lambda: segments.update((key, compile_segment(one)) for key, one in definitions.items())
    )
    context = parse_context(
        {
            "kind": "user",
            "key": "user-42",
            "country": "es",
            "email": "ada@x.com",
            "age": 30,
            "since": "2025-02-03T04:05:06Z",
            "version": "1.2.2",
            "plan": {"tier": "lead"},
        }
    )
    lists = {key: Lists() for key, segment in segments.items() if segment.unbounded_kind}
    evaluating = _cpu_ms(lambda: evaluate(segments, context, lists))
    print(f"compiling {compiling:.1f} ms, evaluating {evaluating:.1f} ms")  # noqa: T201  # figures
    record_property("compiling_ms", compiling)
    record_property("evaluating_ms", evaluating)
    # Measured: 50 to 100 ms of CPU to compile, once; 5 to 7 ms to evaluate.
    assert evaluating < 20
    assert compiling < 400
