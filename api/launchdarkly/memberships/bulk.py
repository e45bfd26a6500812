"""``POST …/memberships``: many contexts in several big segments, in one request.

Decided: all answers or none. A segment that does not exist refuses the whole request with 404, for
a mistyped key must not look like a segment without members; so does one that is out of scope,
with 403, and a standard one, with 400. If a list is not whole or a node of the store does not
answer, the request is 503 and may be repeated, for no answer is ever a guess: ``unknown`` says
that both lists were read and the context is in neither, so that nothing is known of it here.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from api.errors import InvalidRequest, NotFound
from api.launchdarkly.memberships.bulk_answer import (
    ARROW_STREAM,
    BigSegmentMemberships,
    wants_arrow,
)
from api.launchdarkly.memberships.bulk_question import BigSegmentMembershipsQuestion
from api.launchdarkly.memberships.bulk_request import BulkRequest
from api.launchdarkly.memberships.bulk_requests import BulkRequests
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import JSON, READ, component, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf

router = APIRouter(
    prefix=f"{PREFIX}/segments/{{projectKey}}/{{environmentKey}}/memberships", tags=["Segments"]
)

_QUESTION: Final = BigSegmentMembershipsQuestion.__name__


async def get_bulk_requests(request: Request) -> BulkRequests:
    """What does the application's bulk look-ups."""
    requests: BulkRequests = request.app.state.bulk_requests
    return requests


@router.post(
    "",
    operation_id="lookUpSegmentMemberships",
    response_model=BigSegmentMemberships,
    responses={
        200: {"content": {ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}}}}
    },
    dependencies=[RequireJson],
    openapi_extra=document_body("The segments and the contexts.", json=component(_QUESTION)),
)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the environment or one of the segments does not exist.",
        InvalidRequest: "A key is not valid, a segment is not a big segment, or it is over "
        "100,000 answers.",
    },
)
async def look_up_memberships(
    request: Request,
    env: EnvironmentRefOf,
    caller: CallerOf,
    requests: Annotated[BulkRequests, Depends(get_bulk_requests)],
) -> Response:
    """Look up whether each of many contexts is included in or excluded from several big segments.

    At most 1,000 segments and 100,000 answers, which are segments times contexts. All answers of
    a segment are of one revision. Each is one of three words, as LaunchDarkly's SDKs read a
    membership: `included`, also if the context is in both lists, since included wins in
    evaluation; `excluded`; or `unknown`, if it is in neither list.

    `unknown` is never an answer that could not be had: if part of a list is lost or a node of the
    store does not answer, the whole request is 503. It is 404 if a segment does not exist.

    With `Accept: application/vnd.apache.arrow.stream` the answer is a stream of Arrow's IPC
    format: a column `context` of text, then a column for each segment in the order of the request,
    a dictionary of the same three words, whose metadata hold `revision` and `asOf` in decimal.
    """
    in_arrow = wants_arrow(request.headers.getlist("accept"))
    async with requests.place():
        body = await requests.answer(
            BulkRequest(env, caller.scope, in_arrow=in_arrow, raw=await request.body())
        )
    return Response(body, media_type=ARROW_STREAM if in_arrow else JSON)
