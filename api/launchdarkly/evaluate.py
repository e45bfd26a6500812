"""``POST …/segments/evaluate``: which segments of an environment a context is a member of.

Choices where LaunchDarkly's behaviour is not documented: segments come newest first, as in
their list; a context without a kind is a user, and a multi context is taken; a key must be
one that lists could hold; a context has a largest size. A segment that cannot be told is no
membership, as the SDKs have it, and never an error of the request.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import structlog
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access_scope import AccessScope
from api.context_keys import fault_of
from api.errors import InvalidRequest, TooLarge
from api.evaluation import (
    Context,
    Effort,
    HeavyEvaluation,
    InvalidContext,
    Outcome,
    evaluate,
    lookups_for,
    parse_context,
)
from api.launchdarkly.evaluable_environments import EvaluableEnvironment, EvaluableEnvironments
from api.launchdarkly.evaluation_shapes import (
    ContextInstanceSegmentMemberships,
    memberships_body,
)
from api.launchdarkly.heavy_lane import HeavyLane
from api.launchdarkly.json_values import read_json
from api.launchdarkly.paths import PREFIX
from api.launchdarkly.requests import RequireJson, ScopeOf
from api.list_lookups import Answer, ListLookups
from api.services import CallerOf, Services
from worker.store import ListRef, Membership, Scope

#: Evaluations at one time; more wait. It bounds threads and memory that they hold.
_AT_ONCE: Final = 8
#: Of them, those that compute and do not wait for the store: each one takes turns of the
#: interpreter, which the look-ups then wait for.
_COMPUTING: Final = 2
#: Bytes of a context and kinds in it: far above any seen.
CONTEXT_BYTES: Final = 128 * 1024
_KINDS: Final = 100
#: A message may repeat a property's name, which is the caller's.
_MESSAGE_LIMIT: Final = 300

_log = structlog.get_logger(__name__)


def router(services: Services) -> APIRouter:
    """The route of this module, with what it remembers between requests."""
    routes = APIRouter(prefix=f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}")
    routes.tags = ["Segments"]
    routes.post(
        "/segments/evaluate",
        operation_id="getContextInstanceSegmentsMembershipByEnv",
        response_model=ContextInstanceSegmentMemberships,
        dependencies=[RequireJson],
    )(Evaluations(services).evaluate_segments)
    return routes


_Answered: TypeAlias = tuple[bytes, list[str]]


@dataclass(frozen=True, slots=True)
class _Question:
    """Who is asked about, where, and what the lists must say first."""

    scope: Scope
    context: Context
    environment: EvaluableEnvironment
    asked: Mapping[ListRef, str]


class Evaluations:
    """Evaluates all segments of an environment; for one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._environments = EvaluableEnvironments(services.settings.evaluation_cache_bytes)
        self._lists = ListLookups(services.lookups, services.store)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._computing = asyncio.Semaphore(_COMPUTING)
        self._heavy = HeavyLane()

    async def evaluate_segments(
        self, request: Request, scope: ScopeOf, caller: CallerOf
    ) -> Response:
        """Tell for every segment of an environment whether a context is a member."""
        raw = await request.body()
        if len(raw) > CONTEXT_BYTES:
            raise TooLarge(f"the context is over {CONTEXT_BYTES:,} bytes")
        async with self._turn:
            question = await run_in_threadpool(self._read, raw, scope)
            lists = await self._lists.look_up(question.asked)
            answer = partial(_answered, question, lists, caller.scope)
            async with self._computing:
                answered = await run_in_threadpool(_if_light, answer)
        if answered is None:
            answered = await self._heavy.run(answer)
        body, errors = answered
        if errors:
            self._services.metrics.segments_in_error(len(errors))
            _log.warning(
                "evaluation.segments_in_error",
                project=scope.project,
                environment=scope.environment,
                count=len(errors),
                first=errors[0],
            )
        return Response(body, media_type="application/json")

    def _read(self, raw: bytes, scope: Scope) -> _Question:
        context = context_of(read_json(raw))
        environment = self._environments.read(self._services.store(), scope)
        keys = lookups_for(environment.compiled, context)
        asked = {
            one.ref: keys[one.definition.key]
            for one in environment.segments
            if one.definition.key in keys
        }
        return _Question(scope, context, environment, asked)


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


def _if_light(answer: Callable[[Effort], _Answered]) -> _Answered | None:
    """The answer, if it can be had without keeping others waiting."""
    try:
        return answer(Effort.light())
    except HeavyEvaluation:
        return None


def _answered(
    question: _Question, lists: Mapping[ListRef, Answer], seen: AccessScope, effort: Effort
) -> _Answered:
    """The body, and what is wrong with the segments that could not be told."""
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
    return body, _errors(outcomes.values(), lists.values())


def _errors(outcomes: Iterable[Outcome], answers: Iterable[Answer]) -> list[str]:
    """One error for each segment that has one; what the store said comes first."""
    wrong = [one.error for one in outcomes if one.error is not None]
    said = [str(one) for one in answers if not isinstance(one, Membership)]
    return [*said, *wrong][: len(wrong)]
