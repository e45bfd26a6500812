"""The definitions of a project's flags: replaced and read whole, and deleted.

They are no operation of Vercel's, which packs its own flags. Segments that they name cannot be
deleted.
"""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_in_project
from api.errors import InvalidRequest, NotFound, PreconditionFailed
from api.http.entity_tags import is_named
from api.rest.bodies import parse_object, read_body
from api.rest.operations import NO_PROJECT, Refusals, component, document_body, operation
from api.rest.preconditions import IfMatch, describe_tagged, require_tag
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.definitions.flags import read_definitions
from api.vercel.operations import READ, WRITE
from api.vercel.wire.paths import FEATURE_FLAGS
from api.vercel.wire.project_bounds import project_bounds
from api.vercel.wire.requests import WholeProjectOf
from worker.store import (
    DefinitionsNotFound,
    FlagDefinitions,
    Project,
    ProjectSegments,
    Summary,
    retry_on_change,
)

router = APIRouter(
    prefix=f"{FEATURE_FLAGS}/datafile/definitions",
    tags=["Vercel datafile"],
)

_NONE: Final[Refusals] = {NotFound: "The project does not exist, or has no definitions."}
_TAGGED: Final = describe_tagged("definitions")
_CHANGED: Final[Refusals] = {
    PreconditionFailed: "The definitions are not in the state of `If-Match`."
}


@router.put(
    "",
    operation_id="putFlagDefinitions",
    response_model=dict[str, Any],
    responses={200: _TAGGED},
    dependencies=[RequireJson],
    openapi_extra=document_body("The definitions.", json=component("FlagDefinitions")),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_PROJECT,
        **_CHANGED,
        InvalidRequest: "A definition is not as flags-core takes it, or names no segment; the "
        "message says where.",
    },
)
async def put_definitions(
    request: Request,
    project: WholeProjectOf,
    services: ServicesOf,
    caller: CallerOf,
    if_match: IfMatch = None,
) -> Response:
    """Replace the definitions; answers what is stored, with segments named by their ids."""
    raw = await read_body(request)

    def put() -> Response:
        body, store = parse_object(raw), services.store()

        def attempt() -> tuple[ProjectSegments, FlagDefinitions]:
            seen = store.project_segments.read_all(project)
            require_tag(_tag(seen.definitions), if_match, _name(project))
            return seen, _store(services, project, seen, body)

        seen, written = retry_on_change(_name(project), attempt)
        _record(services, caller, project, "updateFlagDefinitions", seen.definitions, written)
        return _response(written)

    async with services.patch_turn:
        return await run_in_threadpool(put)


@router.get(
    "",
    operation_id="getFlagDefinitions",
    response_model=dict[str, Any],
    responses={
        200: _TAGGED,
        304: {"description": "The caller has this state of the definitions."},
    },
)
@operation(needs=READ, refuses=_NONE)
def get_definitions(
    project: WholeProjectOf,
    services: ServicesOf,
    if_none_match: Annotated[
        str,
        Header(
            alias="If-None-Match", description="The `ETag` of the definitions that the caller has."
        ),
    ] = "",
) -> Response:
    """Get the definitions."""
    found = services.store().project_segments.read_all(project).definitions
    if found is None:
        message = f"project {project.key} has no flag definitions"
        raise DefinitionsNotFound(message)
    if is_named(_tag(found) or "", if_none_match):
        return Response(status_code=304, headers={"ETag": _tag(found) or ""})
    return _response(found)


@router.delete(
    "", operation_id="deleteFlagDefinitions", status_code=204, dependencies=[RequireNoBody]
)
@operation(needs=WRITE, refuses={**_NONE, **_CHANGED})
def delete_definitions(
    project: WholeProjectOf, services: ServicesOf, caller: CallerOf, if_match: IfMatch = None
) -> Response:
    """Delete the definitions; segments that they named can be deleted then."""
    store = services.store()

    def delete() -> ProjectSegments:
        seen = store.project_segments.read_all(project)
        require_tag(_tag(seen.definitions), if_match, _name(project))
        store.flags.delete_definitions(project, seen=seen)
        return seen

    seen = retry_on_change(_name(project), delete)
    _record(services, caller, project, "deleteFlagDefinitions", seen.definitions, None)
    return Response(status_code=204)


def _store(
    services: Services, project: Project, seen: ProjectSegments, body: dict[str, Any]
) -> FlagDefinitions:
    def resolve(id_or_slug: str) -> str | None:
        segment = seen.find(id_or_slug)
        return None if segment is None else segment.id

    definitions = read_definitions(body, resolve)
    document = json.dumps(definitions.flags, ensure_ascii=False, separators=(",", ":"))
    return services.store().flags.put_definitions(
        project,
        document,
        definitions.users,
        project_bounds(services.settings),
        flag_count=len(definitions.flags),
        seen=seen,
    )


def _tag(definitions: FlagDefinitions | None) -> str | None:
    return None if definitions is None else f'"{definitions.revision}"'


def _name(project: Project) -> str:
    return f"flag definitions of project {project.key}"


def _response(definitions: FlagDefinitions) -> Response:
    return Response(
        definitions.document.encode(),
        media_type="application/json",
        headers={"ETag": _tag(definitions) or ""},
    )


def _record(
    services: Services,
    caller: Caller,
    project: Project,
    action: str,
    before: FlagDefinitions | None,
    after: FlagDefinitions | None,
) -> None:
    verb = (
        "deleted the flag definitions of" if after is None else "replaced the flag definitions of"
    )
    audit_in_project(
        services,
        caller,
        project,
        action=action,
        verb=verb,
        before=_summarize(before),
        after=_summarize(after),
    )


def _summarize(definitions: FlagDefinitions | None) -> Summary | None:
    if definitions is None:
        return None
    return {"flags": definitions.flag_count, "segments": len(definitions.users)}
