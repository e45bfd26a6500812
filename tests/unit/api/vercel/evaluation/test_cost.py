"""What evaluation costs, in processor time."""

import time
from dataclasses import replace
from typing import Any

from api.evaluation import Effort
from api.vercel.evaluation import compile_segment
from tests.unit.api.vercel.evaluation.build import condition, outcomes_of, regex, rule, split

RULES = (
    condition("eq", "x"),
    condition("oneOf", [f"v{number}" for number in range(10)], ignore_case=True),
    condition("endsWith", "@example.org"),
    condition("gt", "~"),
    condition("regex", regex("^x[0-9]+@", "i")),
    condition("before", "2000-01-01"),
)


def test_evaluation__thousand_segments_of_twenty_rules__light_and_quick() -> None:
    definition: dict[str, Any] = {
        "rules": [
            rule(condition("ex"), RULES[number % len(RULES)], outcome=split(1_000))
            for number in range(20)
        ]
    }
    one = compile_segment("s", definition)
    segments = {f"s{number}": replace(one, segment_id=f"s{number}") for number in range(1_000)}
    entities = {"user": {"id": "u1", "v": "Ann.Lee@example.com"}}
    outcomes_of(segments, entities)
    times = []
    for _ in range(5):
        started = time.process_time()
        outcomes = outcomes_of(segments, entities, Effort.light())
        times.append(time.process_time() - started)
    print(f"1,000 segments of 20 rules: {min(times) * 1e3:.0f} ms")  # noqa: T201  # figures
    assert {outcome.reason for outcome in outcomes.values()} == {"fallthrough"}
    assert min(times) < 0.25
