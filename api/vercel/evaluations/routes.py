"""``POST …/segments/evaluate``: which segments of a project entities are in, and why.

It is not at Vercel, whose clients evaluate by themselves. A segment that cannot be evaluated is
not an error of the request: it is in ``errors``, and its outcome says so.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.errors import NotFound, TooLarge
from api.evaluation import Effort, HeavyEvaluation
from api.lookups.list_lookups import ListLookups
from api.rest.operations import component, document_body, operation
from api.rest.requests import RequireJson
from api.services.heavy.lane import HeavyLane
from api.services.services import CallerOf, Services
from api.vercel.dialect import VERCEL
from api.vercel.evaluations.evaluation import Evaluated, evaluate_all, read_question
from api.vercel.evaluations.heavy_messages import HeavyQuestion, unpack_answer
from api.vercel.evaluations.models import EvaluationRepresentation
from api.vercel.evaluations.projects import EvaluableProjects
from api.vercel.operations import READ
from api.vercel.wire.paths import SEGMENTS
from api.vercel.wire.requests import ProjectOf
from worker.store import Project

router = APIRouter(prefix=SEGMENTS, tags=["Vercel segments"])

#: Concurrent evaluations; more wait. Bounds their threads and memory.
_AT_ONCE: Final = 8
#: Those of them that compute at a time: look-ups wait while one holds the interpreter.
_COMPUTING: Final = 2
#: Bytes of a body: ten thousand names of segments, or entities far above any seen.
BODY_BYTES: Final = 512 * 1024

_log = structlog.get_logger(__name__)


class Evaluations:
    """Evaluates segments of projects; for one event loop.

    It caches projects between requests, so an application has one.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._projects = EvaluableProjects(services.settings.evaluation_cache_bytes)
        self._lists = ListLookups(services.lookups, services.store)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._computing = asyncio.Semaphore(_COMPUTING)
        self._heavy = HeavyLane()

    async def answer(self, raw: bytes, project: Project, caller: Caller) -> Response:
        """Evaluate entities for segments of a project.

        Args:
            raw: the request's body.
            project: the project.
            caller: who asks.
        """
        if len(raw) > BODY_BYTES:
            raise TooLarge(f"the body of an evaluation is over {BODY_BYTES:,} bytes")
        answer = await self._answer_if_light(raw, project, caller)
        if answer is None:
            question = HeavyQuestion(project.key, caller.scope, raw)
            answer = await self._heavy.run(partial(self._ask_child, question))
        if answer.errors:
            self._services.metrics.segments_in_error(answer.errors)
            _log.warning(
                "segments.unevaluated",
                project=project.key,
                count=answer.errors,
                first=answer.first_error,
            )
        return Response(answer.body, media_type="application/json")

    async def _answer_if_light(
        self, raw: bytes, project: Project, caller: Caller
    ) -> Evaluated | None:
        """Answer, or return ``None`` if it would keep other requests waiting."""
        async with self._turn:
            store = self._services.store
            question = await run_in_threadpool(
                lambda: read_question(self._projects, store(), project, raw, caller.scope)
            )
            lists = await self._lists.look_up(question.asked)
            async with self._computing:
                answer = partial(evaluate_all, question, lists, Effort.light())
                return await run_in_threadpool(_evaluate_unless_heavy, answer)

    async def _ask_child(self, question: HeavyQuestion) -> Evaluated:
        child = self._services.heavy_processes[VERCEL.name]
        return unpack_answer(await child.ask(question.pack()))


def get_evaluations(request: Request) -> Evaluations:
    """The application's evaluations."""
    evaluations: Evaluations = request.app.state.evaluations
    return evaluations


@router.post(
    "/evaluate",
    operation_id="evaluateFlagSegments",
    response_model=EvaluationRepresentation,
    dependencies=[RequireJson],
    openapi_extra=document_body("The entities.", json=component("EvaluationBody")),
)
@operation(
    needs=READ, refuses={NotFound: "The project, or a segment that the body names, does not exist."}
)
async def evaluate_segments(
    request: Request,
    project: ProjectOf,
    caller: CallerOf,
    evaluations: Annotated[Evaluations, Depends(get_evaluations)],
) -> Response:
    """Determine which segments of a project entities are in, and what decided.

    The outcomes are those of Vercel's evaluator (@vercel/flags-core 1.8.2) for a flag with this
    `seed`; a list that is attached to a segment is asked beside its entries.
    """
    return await evaluations.answer(await request.body(), project, caller)


def _evaluate_unless_heavy(answer: Callable[[], Evaluated]) -> Evaluated | None:
    try:
        return answer()
    except HeavyEvaluation:
        return None
