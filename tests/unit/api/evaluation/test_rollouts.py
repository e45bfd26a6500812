"""The share of contexts that a rule lets through."""

from typing import Any

import pytest

from api.evaluation import (
    Clause,
    Outcome,
    Rule,
    Segment,
    compile_segment,
    evaluate,
    parse_context,
)
from api.evaluation.rollouts import position_of


def _outcome(document: dict[str, Any], *, key: str = "s", salt: str = "x", **rule: Any) -> Outcome:
    segment = compile_segment(Segment(key, salt=salt, rules=[Rule([], **rule)]))
    return evaluate({key: segment}, parse_context(document), {})[key]


def _passes(document: dict[str, Any], *, key: str = "s", salt: str = "x", **rule: Any) -> bool:
    return _outcome(document, key=key, salt=salt, **rule).is_member


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("hashKey.saltyA.userKeyA", 0.42157587),
        ("hashKey.saltyA.userKeyB", 0.67084850),
        ("hashKey.saltyA.userKeyC", 0.10343106),
        ("segment3.salty.user-key", 0.14950212),
        ("segment3.salty.unmatching-key", 0.36563563),
    ],
)
def test_position__published_vectors__as_every_sdk(text: str, share: float) -> None:
    assert position_of(text.encode()) / 2**60 == pytest.approx(share, abs=1e-7)


@pytest.mark.parametrize(
    ("weight", "passes"), [(0, False), (14_950, False), (14_955, True), (100_000, True)]
)
def test_rollout__around_its_position__decided_by_the_weight(weight: int, passes: bool) -> None:
    user = {"kind": "user", "key": "user-key"}
    assert _passes(user, key="segment3", salt="salty", weight=weight) is passes


def test_rollout__half__lets_about_half_through() -> None:
    users = [{"kind": "user", "key": f"user-{number}"} for number in range(2_000)]
    through = sum(_passes(user, weight=50_000) for user in users)
    assert 900 < through < 1_100


def test_rollout__just_below_a_half__rounded_up_to_it() -> None:
    # This position is 0.4999999857: as a 32-bit float it is the weight, and so not below it.
    user = {"kind": "user", "key": "26116418"}
    assert not _passes(user, salt="salt", weight=50_000)


@pytest.mark.parametrize("value", [None, 2.5, True, ["x"], {"x": 1}, 1e300])
@pytest.mark.parametrize(("weight", "passes"), [(0, False), (1, True)])
def test_rollout__by_a_value_that_is_no_text_or_integer__position_0(
    value: object, weight: int, passes: bool
) -> None:
    user = {"kind": "user", "key": "ada", "cohort": value}
    assert _passes(user, weight=weight, bucket_by="cohort") is passes


def test_rollout__by_an_integer__its_digits() -> None:
    for cohort in range(50):
        alike = [cohort, float(cohort), str(cohort)]
        users = [{"kind": "user", "key": "ada", "cohort": value} for value in alike]
        passed = {_passes(user, weight=50_000, bucket_by="cohort") for user in users}
        assert len(passed) == 1


def test_rollout__by_a_path__needs_a_kind() -> None:
    user = {"kind": "user", "key": "a", "in": {"cohort": "26116418"}, "/in/cohort": "y"}
    by_path: dict[str, Any] = {"weight": 50_000, "bucket_by": "/in/cohort"}
    inside = position_of(b"s.salt.26116418") < 2**59
    literal = position_of(b"s.salt.y") < 2**59
    assert inside != literal
    assert _passes(user, salt="salt", rollout_context_kind="user", **by_path) is inside
    assert _passes(user, salt="salt", **by_path) is literal


@pytest.mark.parametrize("weight", [0, 100_000])
def test_rollout__context_without_the_kind__not_let_through(weight: int) -> None:
    user = {"kind": "user", "key": "ada"}
    assert not _passes(user, weight=weight, rollout_context_kind="org")


def test_rollout__of_a_kind__goes_by_that_kinds_key() -> None:
    def both(user: str, org: str) -> dict[str, Any]:
        return {"kind": "multi", "user": {"key": user}, "org": {"key": org}}

    by_org: dict[str, Any] = {"weight": 50_000, "rollout_context_kind": "org"}
    for number in range(20):
        one, other = both("ada", f"org-{number}"), both("bob", f"org-{number}")
        assert _passes(one, **by_org) is _passes(other, **by_org)


def test_rollout__malformed_bucket_by__error_once_clauses_match() -> None:
    user = {"kind": "user", "key": "ada"}
    outcome = _outcome(user, weight=1, bucket_by="/", rollout_context_kind="org")
    assert outcome.error is not None
    never = Rule([Clause("x", "in", [])], weight=1, bucket_by="/", rollout_context_kind="user")
    segment = compile_segment(Segment("s", rules=[never]))
    assert evaluate({"s": segment}, parse_context(user), {})["s"] == Outcome()


def test_rollout__half_a_surrogate_pair__no_error() -> None:
    user = {"kind": "user", "key": "\ud800"}
    assert _outcome(user, weight=100_000).is_member
