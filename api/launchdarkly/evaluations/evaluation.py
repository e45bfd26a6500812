"""The steps of an evaluation: read the request, look up the lists, decide for each segment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from api.access.scope import AccessScope
from api.bodies.json_values import read_json
from api.errors import InvalidRequest
from api.evaluation import (
    Context,
    Effort,
    InvalidContext,
    Outcome,
    evaluate,
    lookups_for,
    parse_context,
)
from api.evaluations.answers import Evaluated
from api.launchdarkly.evaluations.environments import EvaluableEnvironment, EvaluableEnvironments
from api.launchdarkly.evaluations.models import write_memberships
from api.lookups.list_lookups import Answer
from worker.context_keys import fault_of
from worker.store import EnvironmentRef, ListRef, Membership, Store

_KINDS: Final = 100
#: A message may repeat a property's name, which is the caller's.
_MESSAGE_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Question:
    """A context, the segments of an environment, and the look-ups that are needed first."""

    env: EnvironmentRef
    context: Context
    environment: EvaluableEnvironment
    asked: Mapping[ListRef, str]


def read_question(
    environments: EvaluableEnvironments, store: Store, raw: bytes, env: EnvironmentRef
) -> Question:
    """Read a request's body and the segments of its environment.

    Raises:
        InvalidRequest: the body is not a context.
        EnvironmentNotFound: or ProjectNotFound.
        ListUnknown: the store has lost its data.
    """
    context = read_context(read_json(raw))
    environment = environments.read(store, env)
    keys = lookups_for(environment.compiled, context)
    asked = {
        segment.ref: keys[segment.definition.key]
        for segment in environment.segments
        if segment.definition.key in keys
    }
    return Question(env, context, environment, asked)


def read_context(document: object) -> Context:
    """Read a context instance whose keys are valid context keys.

    Raises:
        InvalidRequest: it is not one; the message names properties, never a key.
    """
    try:
        context = parse_context(document)
    except InvalidContext as exc:
        raise InvalidRequest(str(exc)[:_MESSAGE_LIMIT]) from exc
    if len(context.individuals) > _KINDS:
        raise InvalidRequest(f"a context may have at most {_KINDS} kinds")
    for individual in context.individuals.values():
        fault = fault_of(individual.key)
        if fault is not None:
            raise InvalidRequest(f"{individual.kind[:_MESSAGE_LIMIT]}: {fault}")
    return context


def evaluate_all(
    question: Question, lists: Mapping[ListRef, Answer], effort: Effort, seen: AccessScope
) -> Evaluated:
    """Evaluate each segment of the environment that the caller may see.

    Args:
        question: the context and the segments.
        lists: the answers of the lists.
        effort: what it may cost.
        seen: what the caller may see.

    Raises:
        HeavyEvaluation: it costs more than a light effort.
    """
    environment = question.environment
    memberships = {
        ref.segment: answer for ref, answer in lists.items() if isinstance(answer, Membership)
    }
    outcomes = evaluate(environment.compiled, question.context, memberships, effort)
    # All are evaluated, because visible segments may refer to others.
    env = question.env
    visible = [
        segment
        for segment in environment.segments
        if seen.allows(env.project, env.environment, segment.definition.key)
    ]
    body = write_memberships(env, visible, outcomes)
    errors = _errors(outcomes.values(), lists.values())
    return Evaluated(body, len(errors), errors[0] if errors else None)


def _errors(outcomes: Iterable[Outcome], answers: Iterable[Answer]) -> list[str]:
    """One error for each segment that has one; the store's errors come first."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    of_store = [str(answer) for answer in answers if not isinstance(answer, Membership)]
    return [*of_store, *errors][: len(errors)]
