"""Evaluation here and by @vercel/flags-core agree on random segments, and differ as listed.

``BIGSEG_DIFFERENTIAL_SEED=… pytest tests/contract/vercel/evaluation`` repeats a run; the seed is
in the report of a failed one and printed with ``-s``.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from api.evaluation import Effort
from api.vercel.evaluation import compile_segment, evaluate, pack_segment
from api.vercel.evaluation.javascript.dates import milliseconds_of
from api.vercel.evaluation.javascript.numbers import number_of_text, text_of_number
from api.vercel.evaluation.javascript.texts import lower_case
from api.vercel.evaluation.patterns.errors import InvalidPattern, UnsupportedPattern
from api.vercel.evaluation.patterns.patterns import LazyExpression
from api.vercel.evaluation.patterns.translating import translate
from tests.contract.vercel.evaluation.dates import date_text
from tests.contract.vercel.evaluation.expressions import expression, text_to_search
from tests.contract.vercel.evaluation.oracle import Oracle, as_parsed, running_oracle
from tests.contract.vercel.evaluation.worlds import World

WORLDS = 1_000
BATCH = 100
DATES = 20_000
EXPRESSIONS = 2_000
#: What an outcome says whose rules reach a regular expression that RE2 cannot run.
NOT_RUN = "a regular expression is not run"


@pytest.fixture(scope="module")
def flags_core() -> Iterator[Oracle]:
    """What uses it is left out ``--without-node``."""
    with running_oracle() as oracle:
        yield oracle


@pytest.fixture(scope="module")
def seed() -> int:
    given = os.environ.get("BIGSEG_DIFFERENTIAL_SEED")
    seed = int(given) if given else random.SystemRandom().getrandbits(32)
    print(f"BIGSEG_DIFFERENTIAL_SEED={seed}")  # noqa: T201  # how to repeat this run
    return seed


def _question(world: World) -> dict[str, Any]:
    segments = {name: pack_segment(data) for name, data in world.segments.items()}
    return {"segments": segments, "entities": world.entities, "seed": world.seed}


def _answers(world: World) -> list[list[Any]]:
    """As the oracle answers, but with NOT_RUN where an answer depends on such an expression."""
    segments = {name: compile_segment(name, data) for name, data in world.segments.items()}
    answers = []
    for entities in world.entities:
        outcomes = evaluate(segments.values(), entities, resolve=segments.get, seed=world.seed)
        assert all(not outcome.matched for outcome in outcomes if outcome.error)
        answers.append(
            [
                outcome.matched
                if outcome.error is None
                else NOT_RUN
                if NOT_RUN in outcome.error
                else "throws"
                for outcome in outcomes
            ]
        )
    return answers


def test_evaluation__random_segments_and_entities__as_flags_core_answers(
    flags_core: Oracle, seed: int
) -> None:
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    differences = []
    for _ in range(WORLDS // BATCH):
        worlds = [World(rng) for _ in range(BATCH)]
        expected = flags_core.ask("worlds", [_question(world) for world in worlds])
        for world, theirs in zip(worlds, expected, strict=True):
            for entities, here, there in zip(world.entities, _answers(world), theirs, strict=True):
                for name, mine, its in zip(world.segments, here, there, strict=True):
                    counts[str(mine)] += 1
                    if mine not in {its, NOT_RUN}:
                        differences.append((name, mine, its, entities, world.segments))
    print(dict(counts))  # noqa: T201  # what the pairs were
    assert not differences, json.dumps(differences[0])
    assert counts.total() >= 20_000
    assert counts["True"] > 4_000
    assert counts["throws"] > 200
    assert counts[NOT_RUN] < 0.01 * counts.total()


def test_dates__random_texts__as_v8_reads_them(flags_core: Oracle, seed: int) -> None:
    rng = random.Random(seed)
    texts = [date_text(rng) for _ in range(DATES)]
    expected = flags_core.ask("dates", texts)
    assert sum(instant is not None for instant in expected) > DATES // 10
    found = [milliseconds_of(text) for text in texts]
    differences = [case for case in zip(texts, expected, found, strict=True) if case[1] != case[2]]
    assert not differences, ascii(differences[:10])


def test_expressions__random_ones__as_v8_finds_them(flags_core: Oracle, seed: int) -> None:
    rng = random.Random(seed)
    cases = as_parsed(
        [(*expression(rng), [text_to_search(rng) for _ in range(6)]) for _ in range(EXPRESSIONS)]
    )
    counts: Counter[str] = Counter()
    differences = []
    for (pattern, flags, texts), expected in zip(
        cases, flags_core.ask("patterns", cases), strict=True
    ):
        try:
            translate(pattern, flags)
        except InvalidPattern:
            found = None
        except UnsupportedPattern:
            counts["unsupported"] += 1
            continue
        else:
            lazy = LazyExpression(pattern, flags)
            found = [lazy.finds(text, Effort()) for text in texts]
        counts["invalid" if expected is None else "valid"] += 1
        if found != expected and not _is_inside_a_pair(pattern, flags, texts):
            differences.append((pattern, flags, texts, expected, found))
    print(dict(counts))  # noqa: T201  # what the expressions were
    assert not differences, ascii(differences[:5])
    assert counts["valid"] > EXPRESSIONS // 2
    assert counts["unsupported"] < EXPRESSIONS // 10


def _is_inside_a_pair(pattern: str, flags: str, texts: list[str]) -> bool:
    r"""The named difference: V8 finds ``\B`` between the halves of one code point, with u and v."""
    is_by_code_points = not {"u", "v"}.isdisjoint(flags)
    return (
        r"\B" in pattern
        and is_by_code_points
        and any(max(text, default="") > "\uffff" for text in texts)
    )


def test_lower_case__every_character_and_final_sigma__as_javascript_has_it(
    flags_core: Oracle,
) -> None:
    cased = [chr(code) for code in range(0x1E944) if not 0xD800 <= code < 0xE000]
    texts = ["".join(cased[start : start + 1_000]) for start in range(0, len(cased), 1_000)]
    texts += [
        f"{before}Σ{after}"
        for before in ("", "a", "a.", "1")
        for after in ("", "b", ".b", "\u0301", "1")
    ]
    assert [lower_case(text) for text in texts] == flags_core.ask("lower", texts)


def test_numbers__random_texts__as_javascript_reads_and_writes_them(
    flags_core: Oracle, seed: int
) -> None:
    rng = random.Random(seed)
    parts = [
        *"0123456789.eE+-xXoObBfa_ ",
        "Infinity",
        "1e",
        "e-7",
        "0x",
        "\ufeff",
        "\x1c",
        "12345678901234567890",
    ]
    texts = ["".join(rng.choice(parts) for _ in range(rng.randrange(6))) for _ in range(3_000)]
    texts += [repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-320, 309)) for _ in range(2_000)]
    expected = flags_core.ask("numbers", texts)
    found = [text_of_number(number_of_text(text)) for text in texts]
    differences = [case for case in zip(texts, expected, found, strict=True) if case[1] != case[2]]
    assert not differences, ascii(differences[:10])
