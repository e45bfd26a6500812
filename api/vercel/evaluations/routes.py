"""``POST …/segments/evaluate``: which segments of a project entities are in, and why.

It is not at Vercel, whose clients evaluate by themselves. A segment that cannot be evaluated is
not an error of the request: it is in ``errors``, and its outcome says so.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from api.access.auth import Caller
from api.errors import NotFound, TooLarge
from api.evaluations.evaluator import Evaluation, Evaluator
from api.rest.operations import component, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services
from api.vercel.dialect import VERCEL
from api.vercel.evaluations.evaluation import evaluate_all, read_question
from api.vercel.evaluations.heavy_question import HeavyQuestion
from api.vercel.evaluations.models import EvaluationRepresentation
from api.vercel.evaluations.projects import EvaluableProjects
from api.vercel.operations import READ
from api.vercel.wire.paths import SEGMENTS
from api.vercel.wire.requests import ProjectOf
from worker.store import Project

router = APIRouter(prefix=SEGMENTS, tags=["Vercel segments"])

#: Bytes of a body: ten thousand names of segments, or entities far above any seen.
BODY_BYTES: Final = 512 * 1024


class Evaluations:
    """Evaluates segments of projects; for one event loop.

    It caches projects between requests, so an application has one.
    """

    def __init__(self, services: Services) -> None:
        self._projects = EvaluableProjects(services.settings.evaluation_cache_bytes)
        self._evaluator = Evaluator(services, VERCEL.name)

    async def answer(self, raw: bytes, project: Project, caller: Caller) -> Response:
        """Evaluate entities for segments of a project.

        Args:
            raw: the request's body.
            project: the project.
            caller: who asks.
        """
        if len(raw) > BODY_BYTES:
            raise TooLarge(f"the body of an evaluation is over {BODY_BYTES:,} bytes")
        seen = caller.scope
        return await self._evaluator.answer(
            Evaluation(
                read=lambda store: read_question(self._projects, store, project, raw, seen),
                evaluate=evaluate_all,
                pack=HeavyQuestion(project.key, seen, raw).pack,
                place={"project": project.key},
            )
        )


async def get_evaluations(request: Request) -> Evaluations:
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
