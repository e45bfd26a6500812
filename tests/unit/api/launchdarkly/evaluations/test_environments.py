"""What an evaluation shows is its model's JSON, and targets nobody can read are an error."""

import dataclasses
import json

import pytest

from api.evaluation import Outcome, evaluate, parse_context
from api.launchdarkly.evaluations.environments import make_evaluable
from api.launchdarkly.evaluations.models import ContextInstanceSegmentMemberships, write_memberships
from worker.store import Definition, EnvironmentRef, Segment

PRODUCTION = EnvironmentRef("p", "e")
PLAIN = Segment(PRODUCTION, "plain", 'A "name" \N{GRINNING FACE}', 1, 1, 1)
BIG = Segment(
    PRODUCTION, "big", "Big", 3, 1, 1, description="d", unbounded=True, context_kind="org"
)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        Outcome(is_member=True, is_individually_targeted=True),
        Outcome(is_member=True, is_rule_targeted=True),
        Outcome(error="it is in error"),
    ],
)
def test_body__any_outcome__is_what_the_model_writes(outcome: Outcome) -> None:
    segments = [make_evaluable(Definition(one, None)) for one in (PLAIN, BIG)]

    body = write_memberships(PRODUCTION, segments, {"plain": outcome, "big": Outcome()})

    shown = ContextInstanceSegmentMemberships.model_validate_json(body)
    assert json.loads(body) == shown.model_dump(by_alias=True)
    assert [one.name for one in shown.items] == [PLAIN.name, BIG.name]
    assert [one.description for one in shown.items] == ["", "d"]
    assert [one.unbounded for one in shown.items] == [False, True]
    first = shown.items[0]
    assert (first.is_member, first.is_individually_targeted, first.is_rule_targeted) == (
        outcome.is_member,
        outcome.is_individually_targeted,
        outcome.is_rule_targeted,
    )


def test_evaluable__big_segment__asks_the_list_of_its_generation() -> None:
    one = make_evaluable(Definition(BIG, None))

    assert (one.compiled.unbounded_kind, one.ref.name) == ("org", "big.g3")


@pytest.mark.parametrize(
    "targeting",
    [
        b"{",
        b"[1]",
        b"null",
        b"{}",
        b'{"included":7,"excluded":[],"includedContexts":[],"excludedContexts":[],"rules":[]}',
        b'{"included":[[]],"excluded":[],"includedContexts":[],"excludedContexts":[],"rules":[]}',
        b'{"included":[],"excluded":[],"includedContexts":[],"excludedContexts":[],"rules":[{}]}',
        b'{"included":[],"excluded":[],"includedContexts":[7],"excludedContexts":[],"rules":[]}',
        None,
    ],
)
def test_evaluable__unreadable_or_lost__is_an_error_of_that_segment(
    targeting: bytes | None,
) -> None:
    one = make_evaluable(Definition(dataclasses.replace(PLAIN, targeted=True), targeting))

    outcome = evaluate({"plain": one.compiled}, parse_context({"key": "ada"}), {})["plain"]

    assert outcome.error is not None
    assert "plain" in outcome.error
    assert not outcome.is_member
