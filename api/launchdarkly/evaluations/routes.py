"""``POST …/segments/evaluate``: which segments of an environment a context is a member of.

Choices where LaunchDarkly's behaviour is not documented: segments come newest first, as in
their list; a context without a kind is a user, and multi-contexts are accepted; a key must be a
valid context key; the size of a context is limited. A segment that cannot be evaluated has no
members, as in the SDKs, and is never an error of the request.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.access.scope import AccessScope
from api.errors import TooLarge
from api.evaluation import Effort, HeavyEvaluation
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.launchdarkly.evaluations.environments import EvaluableEnvironments
from api.launchdarkly.evaluations.evaluation import Evaluated, evaluate_all, read_question
from api.launchdarkly.evaluations.heavy_messages import HeavyQuestion, unpack_answer
from api.launchdarkly.evaluations.models import ContextInstanceSegmentMemberships
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.lookups.list_lookups import ListLookups
from api.rest.operations import READ, component, document_body, operation
from api.rest.requests import RequireJson
from api.services.heavy.lane import HeavyLane
from api.services.services import CallerOf, Services
from worker.store import EnvironmentRef

router = APIRouter(
    prefix=f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}", tags=["Segments"]
)

#: Concurrent evaluations; more wait. Bounds their threads and memory.
_AT_ONCE: Final = 8
#: Those of them that compute at a time: look-ups wait while one holds the interpreter.
_COMPUTING: Final = 2
#: Bytes of a context: far above any seen.
CONTEXT_BYTES: Final = 128 * 1024

_log = structlog.get_logger(__name__)


class Evaluations:
    """Evaluates all segments of an environment; for one event loop.

    It caches environments between requests, so an application has one.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._environments = EvaluableEnvironments(services.settings.evaluation_cache_bytes)
        self._lists = ListLookups(services.lookups, services.store)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._computing = asyncio.Semaphore(_COMPUTING)
        self._heavy = HeavyLane()

    async def answer(self, raw: bytes, env: EnvironmentRef, caller: Caller) -> Response:
        """Evaluate a context for each segment of an environment.

        Args:
            raw: the context, as JSON.
            env: the environment.
            caller: who asks.
        """
        if len(raw) > CONTEXT_BYTES:
            raise TooLarge(f"the context is over {CONTEXT_BYTES:,} bytes")
        answer = await self._answer_if_light(raw, env, caller.scope)
        if answer is None:
            question = HeavyQuestion(env, caller.scope, raw)
            answer = await self._heavy.run(partial(self._ask_child, question))
        if answer.errors:
            self._services.metrics.segments_in_error(answer.errors)
            _log.warning(
                "segments.unevaluated",
                project=env.project,
                environment=env.environment,
                count=answer.errors,
                first=answer.first_error,
            )
        return Response(answer.body, media_type="application/json")

    async def _answer_if_light(
        self, raw: bytes, env: EnvironmentRef, seen: AccessScope
    ) -> Evaluated | None:
        """Answer, or return ``None`` if it would keep other requests waiting."""
        async with self._turn:
            store = self._services.store
            question = await run_in_threadpool(
                lambda: read_question(self._environments, store(), raw, env)
            )
            lists = await self._lists.look_up(question.asked)
            async with self._computing:
                answer = partial(evaluate_all, question, lists, seen, Effort.light())
                return await run_in_threadpool(_evaluate_unless_heavy, answer)

    async def _ask_child(self, question: HeavyQuestion) -> Evaluated:
        return unpack_answer(
            await self._services.heavy_processes[LAUNCHDARKLY.name].ask(question.pack())
        )


def get_evaluations(request: Request) -> Evaluations:
    """The application's evaluations."""
    evaluations: Evaluations = request.app.state.evaluations
    return evaluations


_CONTEXTS: Final = ("SingleKindContext", "MultiKindContext", "UserContext")


@router.post(
    "/segments/evaluate",
    operation_id="getContextInstanceSegmentsMembershipByEnv",
    response_model=ContextInstanceSegmentMemberships,
    dependencies=[RequireJson],
    openapi_extra=document_body(
        "A context. Fields beside the documented ones are attributes.",
        json={"anyOf": [component(name) for name in _CONTEXTS]},
    ),
)
@operation(needs=READ, refuses=NO_ENVIRONMENT)
async def evaluate_segments(
    request: Request,
    env: EnvironmentRefOf,
    caller: CallerOf,
    evaluations: Annotated[Evaluations, Depends(get_evaluations)],
) -> Response:
    """Determine which segments of an environment a context is a member of."""
    return await evaluations.answer(await request.body(), env, caller)


def _evaluate_unless_heavy(answer: Callable[[], Evaluated]) -> Evaluated | None:
    try:
        return answer()
    except HeavyEvaluation:
        return None
