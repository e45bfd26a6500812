"""bigseg and LaunchDarkly's Python SDK agree on random segments, and differ as listed.

``BIGSEG_DIFFERENTIAL_SEED=… pytest tests/property/api/evaluation/test_differential.py`` repeats
a run; the seed is in the report of a failed one and printed with ``-s``.
"""

import os
import random
from collections import Counter
from typing import Any

import pytest

from api.evaluation import Outcome, compile_segment, evaluate, lookups_for, parse_context
from tests.property.api.evaluation.cases import CONTEXTS, SEGMENTS, Environment, Generator
from tests.property.api.evaluation.differences import DIFFERENCES, Difference
from tests.property.api.evaluation.oracle import Answer, Oracle
from tests.support.segments.evaluation import segment_of

PAIRS = 30_000


def _answers(
    documents: list[dict[str, Any]], context: dict[str, Any], environment: Environment | None
) -> dict[str, Outcome]:
    segments = {one["key"]: compile_segment(segment_of(one)) for one in documents}
    parsed = parse_context(context)
    asked = lookups_for(segments, parsed).items()
    lists = environment.lists if environment else {}
    return evaluate(segments, parsed, {key: lists[key, of] for key, of in asked})


def _answer_of(outcome: Outcome) -> Answer:
    return "error" if outcome.error is not None else outcome.is_member


def test_evaluation__random_segments_and_contexts__as_the_sdk_answers() -> None:
    seed = int(os.environ.get("BIGSEG_DIFFERENTIAL_SEED", random.SystemRandom().getrandbits(32)))
    print(f"BIGSEG_DIFFERENTIAL_SEED={seed}")  # noqa: T201  # how to repeat this run
    rng = random.Random(seed)
    seen: Counter[Answer] = Counter()
    for _ in range(PAIRS // (SEGMENTS * CONTEXTS)):
        environment = Generator(rng).environment()
        oracle = Oracle(environment.segments, environment.lists)
        for context in environment.contexts:
            outcomes = _answers(environment.segments, context, environment)
            for document in environment.segments:
                ours = _answer_of(outcomes[document["key"]])
                theirs = oracle.answer(document["key"], context)
                seen[theirs] += 1
                if ours != theirs and not oracle.near_a_boundary(context):
                    pytest.fail(f"seed {seed}: {ours} for {theirs}\n{document}\n{context}")
    print(f"{seen.total()} pairs: {dict(seen)}")  # noqa: T201  # shows that all answers occur
    assert seen.total() >= 20_000
    assert min(seen[True], seen[False]) > seen.total() // 4
    assert seen["error"] > 0


def test_reasons__random_segments_and_contexts__as_the_sdk_answers_without_rules() -> None:
    seed = int(os.environ.get("BIGSEG_DIFFERENTIAL_SEED", random.SystemRandom().getrandbits(32)))
    print(f"BIGSEG_DIFFERENTIAL_SEED={seed}")  # noqa: T201  # how to repeat this run
    rng = random.Random(seed)
    for _ in range(20):
        environment = Generator(rng).environment()
        oracle = Oracle(environment.segments, environment.lists)
        for context in environment.contexts:
            outcomes = _answers(environment.segments, context, environment)
            for document in environment.segments:
                outcome = outcomes[document["key"]]
                if outcome.error is None:
                    by_key = oracle.answer_by_lists(document, context)
                    assert outcome.is_individually_targeted is by_key, (seed, document, context)
                    by_rule = outcome.is_member and not by_key
                    assert outcome.is_rule_targeted is by_rule, (seed, document, context)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.about)
def test_known_difference__both__still_answer_so(difference: Difference) -> None:
    outcome = _answers([difference.segment], difference.context, None)["s"]
    oracle = Oracle([difference.segment], {})
    assert _answer_of(outcome) == difference.ours
    assert oracle.answer("s", difference.context) == difference.theirs
    assert difference.ours != difference.theirs
