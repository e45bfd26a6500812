"""Does bulk look-ups: small ones in this process, all others in a child of it.

Reading 100,000 keys, asking about them and writing the answers takes a quarter of a second of a
core. However small its steps, a thread of this process would have the event loop wait for the
interpreter, and hold it while the system runs somebody else. The child has a low priority and an
interpreter of its own.
"""

import asyncio
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.launchdarkly.memberships.bulk_question import read_question
from api.launchdarkly.memberships.bulk_request import BulkRequest
from api.lookups.bulk_lookups import BulkLookups
from api.services.heavy.process import HeavyProcess
from api.services.heavy.refusals import accepted
from api.services.services import Services
from worker.store import Keyspace

#: The name of the child process among those of an API process.
CHILD: Final = "bulk look-ups"
#: Bytes of a body that is read in this process, which takes a millisecond.
SMALL_BYTES: Final = 64 * 1024
#: Answers that are had in this process: steps of the event loop of half a millisecond.
SMALL_PAIRS: Final = 4_096


class BulkRequests:
    """Answers bulk look-ups, for one event loop."""

    def __init__(self, services: Services) -> None:
        """Open nothing, and start no child yet."""
        settings = services.settings
        self._lookups = BulkLookups(
            services.lookups,
            Keyspace(settings.key_prefix),
            at_once=settings.bulk_lookups,
            clock=services.clock,
        )
        self.place = self._lookups.place
        self._child: HeavyProcess = services.heavy_processes[CHILD]
        self._turn = asyncio.Lock()
        self._counts = services.lookups.counts

    async def answer(self, request: BulkRequest) -> bytes:
        """Give the body of the answer; the caller holds a place.

        Raises:
            ApiError: the request is refused.
            RequestValidationError: a field is wrong or not known.
            StoreError: no answer is certain.
        """
        if len(request.raw) <= SMALL_BYTES:
            question = await run_in_threadpool(read_question, request.raw)
            if question.pairs <= SMALL_PAIRS:
                found = await request.look_up(question, self._lookups)
                return await run_in_threadpool(request.render, question, found)
        async with self._turn:
            answer = accepted(await self._child.ask(request.pack()))
        self._counts.pipelines += answer.header["pipelines"]
        self._counts.asked_again += answer.header["askedAgain"]
        return answer.body
