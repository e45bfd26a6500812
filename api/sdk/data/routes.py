"""What SDKs fetch to evaluate flags: everything, in one answer or as the beginning of a stream.

Source: python-server-sdk 9.18.2, which asks for ``GET /all`` by default, and for
``GET /sdk/latest-all`` if it is to poll.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.bodies.models import WireModel
from api.errors import Unauthorized, Unavailable
from api.http.entity_tags import is_named
from api.rest.operations import SDK_KEY, Refusals, operation
from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.messages import EVENTS, messages_of
from api.sdk.data.reading import Audience, EnvironmentReader
from api.sdk.data.stream import DataStream
from api.sdk.data.streams import DataStreams
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentNotFound, EnvironmentRef, ProjectNotFound, SdkKey

LATEST: Final = "/sdk/latest-all"
STREAM: Final = "/all"
#: The paths that take an SDK key.
DATA_PATHS: Final = frozenset({LATEST, STREAM})

REFUSES: Final[Refusals] = {
    Unavailable: "The store does not answer, the targets of a segment are lost, or the data is "
    "larger than `BIGSEG_SDK_DATA_BYTES`.",
}
STREAM_REFUSES: Final[Refusals] = {
    Unavailable: f"{REFUSES[Unavailable]} Or `BIGSEG_SDK_STREAMS` streams are open."
}

router = APIRouter(tags=["LaunchDarkly SDKs"])


class DataModel(WireModel):
    """What an SDK evaluates with, in LaunchDarkly's form for server-side SDKs."""

    model_config = ConfigDict(extra="forbid")

    flags: dict[str, Any]
    segments: dict[str, Any]


async def reader_of(request: Request) -> EnvironmentReader:
    """Give the reader of the application that serves this request."""
    reader: EnvironmentReader = request.app.state.sdk_data
    return reader


async def data_streams_of(request: Request) -> DataStreams:
    """Give the streams of the application that serves this request."""
    streams: DataStreams = request.app.state.data_streams
    return streams


ReaderOf = Annotated[EnvironmentReader, Depends(reader_of)]
StreamsOf = Annotated[DataStreams, Depends(data_streams_of)]


@router.get(
    LATEST,
    operation_id="getSdkData",
    response_model=DataModel,
    responses={304: {"description": "The caller has this state of the data."}},
)
@operation(needs=SDK_KEY, refuses=REFUSES)
async def get_data(
    services: ServicesOf,
    caller: CallerOf,
    reader: ReaderOf,
    if_none_match: Annotated[
        str,
        Header(alias="If-None-Match", description="The `ETag` of the data that the caller has."),
    ] = "",
) -> Response:
    """Get all that an SDK evaluates flags of the SDK key's environment with."""
    audience, _ = require_audience(caller)
    data = await read_data(services, reader, audience)
    tag = f'"{data.tag}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if is_named(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(data.content, media_type="application/json", headers=headers)


@router.get(
    STREAM,
    operation_id="streamSdkData",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events without an end: `put` with all data first, then "
            "`patch` and `delete` for each object that changes, or `put` again; a comment every "
            "15 seconds if there is nothing to send.",
            "content": {EVENTS: {"schema": {"type": "string"}}},
        }
    },
)
@router.head(STREAM, include_in_schema=False)
@operation(needs=SDK_KEY, refuses=STREAM_REFUSES)
async def stream_data(
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    reader: ReaderOf,
    streams: StreamsOf,
) -> Response:
    """Stream all that an SDK evaluates with, and what changes in it within a second.

    The stream ends when the key is revoked, the environment is deleted or the server stops. A
    caller that takes data too slowly is disconnected.
    """
    audience, key = require_audience(caller)
    if request.method == "HEAD":
        return Response(media_type=EVENTS)
    # Before the read, so that no change is missed.
    subscription = streams.open_for(audience, bytes.fromhex(key.id))
    try:
        first = subscription.fresh_state or await read_data(services, reader, audience)
        keys = services.token_directory
        return DataStream(streams, subscription, keys, first, messages=messages_of)
    except BaseException:
        streams.close(subscription)
        raise


async def read_data(
    services: Services, reader: EnvironmentReader, audience: Audience
) -> EnvironmentData:
    """Read the data as it is now, in a thread.

    Raises:
        Unauthorized: The environment of the SDK key is deleted.
        StoreError: Or another error of :meth:`EnvironmentReader.read`.
    """
    try:
        async with services.patch_turn:
            return await run_in_threadpool(lambda: reader.read(services.store(), audience))
    except (EnvironmentNotFound, ProjectNotFound) as exc:
        name = f"{audience.env.project}/{audience.env.environment}"
        raise Unauthorized(f"the environment of this SDK key, {name}, is deleted") from exc


def require_audience(caller: Caller) -> tuple[Audience, SdkKey]:
    """Give the environment of the SDK key, if it is one of LaunchDarkly's.

    Raises:
        Unauthorized: There is no SDK key, or it is one of Vercel's.
    """
    key = caller.sdk_key
    if key is None or not key.launchdarkly:
        raise Unauthorized("send an SDK key that begins with sdk- in the Authorization header")
    return Audience(EnvironmentRef(key.project, key.environment), key.relay), key
