"""Large bulk look-ups of this dialect, one after another: the program of a child process."""

from typing import Final

from fastapi.exceptions import RequestValidationError

from api.bodies.faults import request_refusal
from api.launchdarkly.memberships.bulk_question import read_question
from api.launchdarkly.memberships.bulk_request import BulkRequest
from api.lookups.bulk_lookups import BulkLookups
from api.services.heavy.child import Answer, ChildServices, run_child
from api.services.heavy.frames import Message
from worker.store import Keyspace

#: Keys in one step: half as dear as steps that an event loop can make while others wait for it.
_STEP_ROWS: Final = 4_096


def make_answer(services: ChildServices) -> Answer:
    """Make what does bulk look-ups; for one event loop."""
    lookups = BulkLookups(
        services.lookups,
        Keyspace(services.settings.key_prefix),
        at_once=1,
        clock=services.clock,
        step_rows=_STEP_ROWS,
    )

    async def answer(message: Message) -> Message:
        request = BulkRequest.unpack(message)
        try:
            question = read_question(request.raw)
        except RequestValidationError as exc:
            raise request_refusal(exc) from exc
        counts = services.lookups.counts
        pipelines, asked_again = counts.pipelines, counts.asked_again
        found = await request.look_up(question, lookups)
        header = {
            "pipelines": counts.pipelines - pipelines,
            "askedAgain": counts.asked_again - asked_again,
        }
        return Message(header, request.render(question, found))

    return answer


if __name__ == "__main__":
    run_child(make_answer)
