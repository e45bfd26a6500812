"""Events of SDKs, which are taken and dropped: bigseg analyses no evaluations.

Source: python-server-sdk 9.18.2. It posts events to ``/bulk`` and, unless it is told not to,
descriptions of itself to ``/diagnostic``; refused, it would log each as an error.
"""

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api.errors import TooLarge
from api.rest.operations import SDK_KEY, document_body, operation
from api.sdk.data.routes import require_audience
from api.services.services import CallerOf

_BULK: Final = "/bulk"
_DIAGNOSTIC: Final = "/diagnostic"
#: The paths that take an SDK key.
EVENT_PATHS: Final = frozenset({_BULK, _DIAGNOSTIC})
#: The routes whose bodies nobody else is to read.
UNREAD_ROUTES: Final = frozenset(f"POST {path}" for path in EVENT_PATHS)

#: An SDK that is refused once because of the size never sends again, and logs an error; it keeps
#: 10,000 events until it sends them, each of which may hold a context.
BODY_BYTES: Final = 64 * 1024 * 1024

router = APIRouter(tags=["LaunchDarkly SDKs"])


@router.post(
    _BULK,
    operation_id="postSdkEvents",
    status_code=202,
    response_class=Response,
    openapi_extra=document_body(
        "Events of an SDK; they are not read.", required=False, json={"type": "array", "items": {}}
    ),
)
@router.post(
    _DIAGNOSTIC,
    operation_id="postSdkDiagnostics",
    status_code=202,
    response_class=Response,
    openapi_extra=document_body(
        "What an SDK says of itself; it is not read.", required=False, json={"type": "object"}
    ),
)
@operation(needs=SDK_KEY)
async def post_events(request: Request, caller: CallerOf) -> Response:
    """Take what an SDK reports, and drop it. It is counted as any request is."""
    require_audience(caller)
    await _drop_body(request)
    return Response(status_code=202)


async def _drop_body(request: Request) -> None:
    """Take a body of any content; no more than one piece of it is in memory.

    Raises:
        TooLarge: It has more bytes than any SDK sends.
    """
    size_bytes = 0
    with suppress(ClientDisconnect):  # nobody misses the rest
        async for piece in request.stream():
            size_bytes += len(piece)
            if size_bytes > BODY_BYTES:
                raise TooLarge(f"events: the request body is over {BODY_BYTES:,} bytes")
