"""The steps of one evaluation: read what it is about, ask the lists, tell each segment."""

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
from api.launchdarkly.evaluations.environments import EvaluableEnvironment, EvaluableEnvironments
from api.launchdarkly.evaluations.shapes import memberships_body
from api.lookups.many import Answer
from worker.context_keys import fault_of
from worker.store import ListRef, Membership, Scope, Store

_KINDS: Final = 100
#: A message may repeat a property's name, which is the caller's.
_MESSAGE_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about, where, and what the lists must say first."""

    scope: Scope
    context: Context
    environment: EvaluableEnvironment
    asked: Mapping[ListRef, str]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answer to a request."""

    body: bytes
    errors: int
    """Segments that could not be told."""
    first_error: str | None
    """What is wrong with one of them; what the store said comes first."""


def read_question(
    environments: EvaluableEnvironments, store: Store, raw: bytes, scope: Scope
) -> Question:
    """Read a request's body and the segments that it is about.

    Raises:
        InvalidRequest: the body is no context.
        EnvironmentNotFound: or ProjectNotFound: no such place.
        ListUnknown: the store has lost its data.
        StoreUnavailable: no answer. Safe to retry.
    """
    context = context_of(read_json(raw))
    environment = environments.read(store, scope)
    keys = lookups_for(environment.compiled, context)
    asked = {
        one.ref: keys[one.definition.key]
        for one in environment.segments
        if one.definition.key in keys
    }
    return Question(scope, context, environment, asked)


def context_of(document: object) -> Context:
    """Read a context instance whose keys lists could hold.

    Raises:
        InvalidRequest: it is none; the message names properties, never a key.
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


def evaluated(
    question: Question, lists: Mapping[ListRef, Answer], seen: AccessScope, effort: Effort
) -> Evaluated:
    """Tell each segment of the environment that the caller may see.

    Args:
        question: what is asked.
        lists: what the lists said.
        seen: what the caller may see.
        effort: what it may cost.

    Raises:
        HeavyEvaluation: it costs more than a light effort.
    """
    environment = question.environment
    answered = {
        ref.segment: answer for ref, answer in lists.items() if isinstance(answer, Membership)
    }
    outcomes = evaluate(environment.compiled, question.context, answered, effort)
    # All are evaluated, because those shown may refer to others.
    scope = question.scope
    visible = [
        one
        for one in environment.segments
        if seen.allows(scope.project, scope.environment, one.definition.key)
    ]
    body = memberships_body(scope, visible, outcomes)
    errors = _errors(outcomes.values(), lists.values())
    return Evaluated(body, len(errors), errors[0] if errors else None)


def _errors(outcomes: Iterable[Outcome], answers: Iterable[Answer]) -> list[str]:
    """One error for each segment that has one; what the store said comes first."""
    wrong = [one.error for one in outcomes if one.error is not None]
    said = [str(one) for one in answers if not isinstance(one, Membership)]
    return [*said, *wrong][: len(wrong)]
