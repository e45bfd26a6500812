"""Evaluates for any dialect: what is light in this process, everything else in its child."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

import structlog
from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.evaluation import Effort, HeavyEvaluation
from api.evaluations.answers import Evaluated
from api.lookups.list_lookups import Answer, ListLookups
from api.services.heavy.frames import Message
from api.services.heavy.lane import HeavyLane
from api.services.services import Services
from worker.store import ListRef, Store

#: Concurrent evaluations; more wait. Bounds their threads and memory.
_AT_ONCE: Final = 8
#: Those of them that compute at a time: look-ups wait while one holds the interpreter.
_COMPUTING: Final = 2

_log = structlog.get_logger(__name__)


class Question(Protocol):
    """What a dialect has read of a request and of the store."""

    @property
    def asked(self) -> Mapping[ListRef, str]:
        """Each list that must be looked up, with the key."""


Q = TypeVar("Q", bound=Question)


@dataclass(frozen=True, slots=True)
class Evaluation(Generic[Q]):
    """One request, in steps that its dialect takes."""

    read: Callable[[Store], Q]
    evaluate: Callable[[Q, Mapping[ListRef, Answer], Effort], Evaluated]
    """Raises ``HeavyEvaluation`` if it costs more than the effort."""
    pack: Callable[[], Message]
    """Gives the same request as the child is asked."""
    place: Mapping[str, str]
    """Where the segments are, for the log."""


class Evaluator:
    """Does the evaluations of one dialect; for one event loop."""

    def __init__(self, services: Services, dialect: str) -> None:
        """Evaluate nothing yet; ``dialect`` names the child process."""
        self._services = services
        self._dialect = dialect
        self._lists = ListLookups(services.lookups, services.store)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._computing = asyncio.Semaphore(_COMPUTING)
        self._heavy = HeavyLane()

    async def answer(self, evaluation: Evaluation[Q]) -> Response:
        """Evaluate, and count and log the segments that could not be.

        Raises:
            ApiError: the request is refused.
        """
        answer = await self._answer_if_light(evaluation)
        if answer is None:
            answer = await self._heavy.run(partial(self._ask_child, evaluation.pack()))
        if answer.errors:
            self._services.metrics.segments_in_error(answer.errors)
            _log.warning(
                "segments.unevaluated",
                **evaluation.place,
                count=answer.errors,
                first=answer.first_error,
            )
        return Response(answer.body, media_type="application/json")

    async def _answer_if_light(self, evaluation: Evaluation[Q]) -> Evaluated | None:
        """Answer, or return ``None`` if it would keep other requests waiting."""
        async with self._turn:
            store = self._services.store
            question = await run_in_threadpool(lambda: evaluation.read(store()))
            lists = await self._lists.look_up(question.asked)
            async with self._computing:
                answer = partial(evaluation.evaluate, question, lists, Effort.light())
                return await run_in_threadpool(_evaluate_unless_heavy, answer)

    async def _ask_child(self, question: Message) -> Evaluated:
        return Evaluated.unpack(await self._services.heavy_processes[self._dialect].ask(question))


def _evaluate_unless_heavy(answer: Callable[[], Evaluated]) -> Evaluated | None:
    try:
        return answer()
    except HeavyEvaluation:
        return None
