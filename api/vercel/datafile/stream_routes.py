"""The stream of datafiles, which an unmodified flags-core asks for by default.

Source: flags-core 1.8.2. It sends ``GET /v1/stream`` with its SDK key, and with ``X-Revision`` if
it has a datafile; three seconds later it goes on with what it has.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import Unavailable
from api.rest.operations import SDK_KEY, operation
from api.services.services import CallerOf, ServicesOf
from api.vercel.datafile.routes import STREAM, PacksOf, read_datafile, require_project
from api.vercel.datafile.stream import LINES, DatafileStream, primed_message
from api.vercel.datafile.streams import DatafileStreams
from api.vercel.wire.refusals import DatafileIncomplete, DatafileTooLarge

router = APIRouter(tags=["Vercel datafile"])


async def streams_of(request: Request) -> DatafileStreams:
    """Give the streams of the application that serves this request."""
    streams: DatafileStreams = request.app.state.streams
    return streams


@router.get(
    STREAM,
    operation_id="streamDatafile",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": 'Lines of JSON without an end: `{"type":"datafile","data":…}` with '
            'a datafile, first and after each change; `{"type":"primed",…}` instead of the '
            'first, if the caller has it; `{"type":"ping"}` every 15 seconds.',
            "content": {LINES: {"schema": {"type": "string"}}},
        }
    },
)
@router.head(STREAM, include_in_schema=False)
@operation(
    needs=SDK_KEY,
    refuses={
        DatafileIncomplete: "A flag depends on a segment with an attached list.",
        DatafileTooLarge: "The datafile is larger than `BIGSEG_VERCEL_DATAFILE_BYTES`.",
        Unavailable: "The store does not answer, or `BIGSEG_VERCEL_STREAMS` streams are open.",
    },
)
async def stream_datafile(
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    packs: PacksOf,
    streams: Annotated[DatafileStreams, Depends(streams_of)],
    revision: Annotated[
        str,
        Header(alias="X-Revision", description="The `revision` of the datafile the caller has."),
    ] = "",
) -> Response:
    """Stream the datafile of the SDK key's project, and another one within a second of a change.

    The stream ends when the key is revoked, the project is deleted or the server stops. A caller
    that takes a datafile too slowly is disconnected.
    """
    project, key = await run_in_threadpool(lambda: require_project(services.store(), caller))
    if request.method == "HEAD":
        return Response(media_type=LINES)
    subscription = streams.open_for(project, key)  # before the read, so that no change is missed
    try:
        async with services.patch_turn:
            first = await run_in_threadpool(partial(read_datafile, services, packs, project, key))
        has_first = revision == str(first.revision)
        primed = primed_message(first) if has_first else None
        directory = services.token_directory
        return DatafileStream(streams, subscription, directory, key, first, primed=primed)
    except BaseException:
        streams.close(subscription)
        raise
