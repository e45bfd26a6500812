"""The look-ups as operations of the OpenAPI document; the front answers them."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from api.bodies.models import StrictBody, WireModel
from api.errors import InvalidRequest
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE, ContextKey, UserKey
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, Refusals, operation
from api.rest.requests import RequireJson
from worker.context_keys import KEY_LIMIT_BYTES

#: Only for the document.
documented = APIRouter(prefix=SEGMENT_ROUTE, tags=["Segments"])

_REFUSES: Final[Refusals] = {
    **NO_SEGMENT,
    InvalidRequest: "The key is not a valid context key, or the segment is not a big segment.",
}


class BigSegmentLookup(StrictBody):
    """The context to look up."""

    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=KEY_LIMIT_BYTES,
            description="The context's key; its kind is the segment's.",
        ),
    ]


class BigSegmentTarget(WireModel):
    """Whether a context is in the lists of a big segment."""

    user_key: Annotated[str, Field(description="The context's key.")]
    included: bool
    excluded: bool


@documented.get(
    "/contexts/{contextKey}",
    operation_id="getSegmentMembershipForContext",
    response_model=BigSegmentTarget,
)
@operation(needs=READ, refuses=_REFUSES)
def look_up_context(path: SegmentPathOf, contextKey: ContextKey) -> None:  # noqa: N803 - the documented name
    """Look up whether a context is in a big segment.

    Strictly consistent: an answer that is not certain is a 503, never a no.
    """


@documented.get(
    "/users/{userKey}", operation_id="getSegmentMembershipForUser", response_model=BigSegmentTarget
)
@operation(needs=READ, refuses=_REFUSES)
def look_up_user(path: SegmentPathOf, userKey: UserKey) -> None:  # noqa: N803 - the documented name
    """Look up whether a context is in a big segment; the older path.

    Strictly consistent: an answer that is not certain is a 503, never a no.
    """


@documented.post(
    "/contexts/lookup",
    operation_id="lookUpSegmentMembershipForContext",
    response_model=BigSegmentTarget,
    dependencies=[RequireJson],
)
@documented.post(
    "/users/lookup",
    operation_id="lookUpSegmentMembershipForUser",
    response_model=BigSegmentTarget,
    dependencies=[RequireJson],
)
@operation(needs=READ, refuses=_REFUSES)
def look_up_by_body(path: SegmentPathOf, body: BigSegmentLookup) -> None:
    """Look up whether a context is in a big segment, with its key in the body.

    Answers like the look-up with the key in the path, also for keys that clients and proxies
    change in a path: those with a slash, `.` and `..`.
    """
