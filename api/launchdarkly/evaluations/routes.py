"""``POST …/segments/evaluate``: which segments of an environment a context is a member of.

Choices where LaunchDarkly's behaviour is not documented: segments come newest first, as in
their list; a context without a kind is a user, and multi-contexts are accepted; a key must be a
valid context key; the size of a context is limited. A segment that cannot be evaluated has no
members, as in the SDKs, and is never an error of the request.
"""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from api.access.auth import Caller
from api.errors import TooLarge
from api.evaluations.evaluator import Evaluation, Evaluator
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.launchdarkly.evaluations.environments import EvaluableEnvironments
from api.launchdarkly.evaluations.evaluation import evaluate_all, read_question
from api.launchdarkly.evaluations.heavy_question import HeavyQuestion
from api.launchdarkly.evaluations.models import ContextInstanceSegmentMemberships
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import READ, component, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services
from worker.store import EnvironmentRef

router = APIRouter(
    prefix=f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}", tags=["Segments"]
)

#: Bytes of a context: far above any seen.
CONTEXT_BYTES: Final = 128 * 1024


class Evaluations:
    """Evaluates all segments of an environment; for one event loop.

    It caches environments between requests, so an application has one.
    """

    def __init__(self, services: Services) -> None:
        self._environments = EvaluableEnvironments(services.settings.evaluation_cache_bytes)
        self._evaluator = Evaluator(services, LAUNCHDARKLY.name)

    async def answer(self, raw: bytes, env: EnvironmentRef, caller: Caller) -> Response:
        """Evaluate a context for each segment of an environment.

        Args:
            raw: the context, as JSON.
            env: the environment.
            caller: who asks.
        """
        if len(raw) > CONTEXT_BYTES:
            raise TooLarge(f"the context is over {CONTEXT_BYTES:,} bytes")
        return await self._evaluator.answer(
            Evaluation(
                read=lambda store: read_question(self._environments, store, raw, env),
                evaluate=partial(evaluate_all, seen=caller.scope),
                pack=HeavyQuestion(env, caller.scope, raw).pack,
                place={"project": env.project, "environment": env.environment},
            )
        )


async def get_evaluations(request: Request) -> Evaluations:
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
