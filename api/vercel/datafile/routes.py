"""The datafile: what an unmodified flags-core evaluates the flags of a project with.

Source: flags-core 1.8.2. It sends ``GET /v1/datafile`` with its SDK key, takes any 2xx answer,
and ignores one whose ``configUpdatedAt`` is not later than that of what it has.
"""

import hashlib
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import ConfigDict
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.bodies.models import Int32, Int64, WireModel
from api.errors import Unauthorized
from api.http.byte_ranges import is_named
from api.rest.operations import SDK_KEY, document_body, operation
from api.services.services import CallerOf, ServicesOf
from api.vercel.datafile.packs import Pack, Packs
from api.vercel.wire.project_ids import project_id
from api.vercel.wire.refusals import DatafileIncomplete, DatafileTooLarge
from worker.store import Project, ProjectNotFound, ProjectSegment, SdkKey, Store

_DATAFILE: Final = "/v1/datafile"
_INGEST: Final = "/v1/ingest"
#: The paths that take an SDK key.
SDK_KEY_PATHS: Final = frozenset({_DATAFILE, _INGEST})

router = APIRouter(tags=["Vercel datafile"])

#: Segments that a refusal names.
_NAMED: Final = 20


class OmittedSegment(WireModel):
    """A segment that is not in a datafile, because an attached list decides about it."""

    id: str
    slug: str


class Datafile(WireModel):
    """What a client evaluates flags with; the types of flags-core describe it whole."""

    model_config = ConfigDict(extra="allow")

    project_id: str
    environment: str
    revision: Int32
    config_updated_at: Int64
    digest: str
    omitted_segments: list[OmittedSegment]
    definitions: dict[str, Any]
    segments: dict[str, Any]


def packs_of(request: Request) -> Packs:
    """Give the packs of the application that serves this request."""
    packs: Packs = request.app.state.packs
    return packs


PacksOf = Annotated[Packs, Depends(packs_of)]


@router.get(
    _DATAFILE,
    operation_id="getDatafile",
    response_model=Datafile,
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
        store = services.store()
        project, key = _require_project(store, caller)
        pack = packs.pack(project, store.project_segments.read_all(project))
        _require_complete(pack)
        head = _head(pack, project, key.environment)
        headers = {
            "ETag": f'"{hashlib.sha256(head).hexdigest()[:32]}"',
            "Cache-Control": "private, no-cache",
        }
        if is_named(headers["ETag"], if_none_match):
            return Response(status_code=304, headers=headers)
        size_bytes, most = len(head) + len(pack.content), services.settings.vercel_datafile_bytes
        if size_bytes > most:
            raise DatafileTooLarge(
                f"the datafile of project {project.key} would have {size_bytes:,} bytes; at most "
                f"{most:,} are allowed (BIGSEG_VERCEL_DATAFILE_BYTES): make segments smaller, or "
                "evaluate them here"
            )
        body = b"%b,%b}" % (head[:-1], pack.content)
        return Response(body, media_type="application/json", headers=headers)

    async with services.patch_turn:
        return await run_in_threadpool(read)


@router.post(
    _INGEST,
    operation_id="postFlagMetrics",
    status_code=202,
    response_class=Response,
    openapi_extra=document_body(
        "What flags-core counted; it is not read.", required=False, json={"type": "array"}
    ),
)
@operation(needs=SDK_KEY)
async def post_metrics(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Take what a client counted, and drop it: bigseg counts no evaluations made elsewhere.

    Refused, a client would send the same again and again, and log it as an error.
    """
    await request.body()
    await run_in_threadpool(lambda: _require_project(services.store(), caller))
    return Response(status_code=202)


def _require_project(store: Store, caller: Caller) -> tuple[Project, SdkKey]:
    key = caller.sdk_key
    if key is None:
        raise Unauthorized("the datafile takes an SDK key, which begins with vf_server_")
    try:
        project = store.projects.get(key.project)
    except ProjectNotFound:
        project = None
    if project is None or not key.belongs_to(project):
        raise Unauthorized(f"the project of this SDK key, {key.project}, is deleted")
    return project, key


def _require_complete(pack: Pack) -> None:
    if pack.missing:
        slugs = ", ".join(segment.slug for segment in pack.missing[:_NAMED])
        more = len(pack.missing) - _NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        raise DatafileIncomplete(
            f"attached lists decide about segments that flags may depend on: {slugs}{rest}; a "
            "client cannot hold such lists, and would take their members for none: evaluate these "
            "segments here, or store definitions of flags that do not depend on them"
        )


def _head(pack: Pack, project: Project, environment: str) -> bytes:
    """All but the content: an object that another state or environment never has."""
    return json.dumps(
        {
            "projectId": project_id(project),
            "environment": environment,
            "revision": pack.change_number,
            "configUpdatedAt": pack.changed_ms,
            "digest": pack.digest,
            "omittedSegments": [_represent(segment) for segment in pack.omitted],
        },
        separators=(",", ":"),
    ).encode()


def _represent(segment: ProjectSegment) -> dict[str, str]:
    return {"id": segment.id, "slug": segment.slug}
