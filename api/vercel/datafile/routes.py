"""The datafile: what an unmodified flags-core evaluates the flags of a project with.

Source: flags-core 1.8.2. It sends ``GET /v1/datafile`` with its SDK key, takes any 2xx answer,
and ignores one whose ``configUpdatedAt`` is not later than that of what it has.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.errors import Unauthorized
from api.http.entity_tags import is_named
from api.rest.operations import SDK_KEY, document_body, operation
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.datafile.document import Datafile, DatafileModel, make_datafile
from api.vercel.datafile.packs import Packs
from api.vercel.wire.refusals import DatafileIncomplete, DatafileTooLarge
from worker.store import Project, ProjectNotFound, SdkKey, Store

_DATAFILE: Final = "/v1/datafile"
STREAM: Final = "/v1/stream"
_INGEST: Final = "/v1/ingest"
#: The paths that take an SDK key.
SDK_KEY_PATHS: Final = frozenset({_DATAFILE, STREAM, _INGEST})

router = APIRouter(tags=["Vercel datafile"])


async def packs_of(request: Request) -> Packs:
    """Give the packs of the application that serves this request."""
    packs: Packs = request.app.state.packs
    return packs


PacksOf = Annotated[Packs, Depends(packs_of)]


@router.get(
    _DATAFILE,
    operation_id="getDatafile",
    response_model=DatafileModel,
    responses={304: {"description": "The caller has this state of the datafile."}},
)
@operation(
    needs=SDK_KEY,
    refuses={
        DatafileIncomplete: "A flag depends on a segment with an attached list.",
        DatafileTooLarge: "The datafile is larger than `BIGSEG_VERCEL_DATAFILE_BYTES`.",
    },
)
async def get_datafile(
    services: ServicesOf,
    caller: CallerOf,
    packs: PacksOf,
    if_none_match: Annotated[
        str,
        Header(
            alias="If-None-Match", description="The `ETag` of the datafile that the caller has."
        ),
    ] = "",
) -> Response:
    """Get the definitions of flags and the segments of the SDK key's project, in packed form."""

    def read() -> Response:
        project, key = require_project(services.store(), caller)
        datafile = read_datafile(services, packs, project, key)
        headers = {"ETag": datafile.tag, "Cache-Control": "private, no-cache"}
        if is_named(datafile.tag, if_none_match):
            return Response(status_code=304, headers=headers)
        return Response(datafile.body(), media_type="application/json", headers=headers)

    async with services.patch_turn:
        return await run_in_threadpool(read)


@router.post(
    _INGEST,
    operation_id="postFlagMetrics",
    status_code=202,
    response_class=Response,
    openapi_extra=document_body(
        "What flags-core counted; it is not read.",
        required=False,
        json={"type": "array", "items": {}},
    ),
)
@operation(needs=SDK_KEY)
async def post_metrics(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Take what a client counted, and drop it: bigseg counts no evaluations made elsewhere.

    Refused, a client would send the same again and again, and log it as an error.
    """
    await request.body()
    await run_in_threadpool(lambda: require_project(services.store(), caller))
    return Response(status_code=202)


def read_datafile(services: Services, packs: Packs, project: Project, key: SdkKey) -> Datafile:
    """Read the project as it is now, and make the datafile of the key's environment.

    Raises:
        DatafileIncomplete: a flag depends on a segment with an attached list.
        DatafileTooLarge: it is larger than allowed.
        ProjectNotFound: the project was deleted a moment ago.
    """
    pack = packs.pack(project, services.store().project_segments.read_all(project))
    return make_datafile(pack, project, key.environment, services.settings.vercel_datafile_bytes)


def require_project(store: Store, caller: Caller) -> tuple[Project, SdkKey]:
    """Give the project of the SDK key.

    Raises:
        Unauthorized: there is no key, or its project is deleted.
    """
    key = caller.sdk_key
    if key is None or key.launchdarkly:
        raise Unauthorized("the datafile takes an SDK key, which begins with vf_server_")
    try:
        project = store.projects.get(key.project)
    except ProjectNotFound:
        project = None
    if project is None or not key.belongs_to(project):
        raise Unauthorized(f"the project of this SDK key, {key.project}, is deleted")
    return project, key
