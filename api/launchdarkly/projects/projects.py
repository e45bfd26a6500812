"""Projects: create, list, get, patch and delete."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.audit import audit_project
from api.bodies.models import json_response
from api.errors import Conflict, InvalidRequest, KeyTaken
from api.launchdarkly.operations import JSON_PATCH_BODY
from api.launchdarkly.projects.lists import Filter, Sort, select
from api.launchdarkly.projects.models import (
    ChangedProject,
    EnvironmentPage,
    NewEnvironment,
    NewProject,
    ProjectFields,
    ProjectPage,
    ProjectRepresentation,
    project_fields,
    represent_environment,
    select_details,
)
from api.launchdarkly.projects.patching import list_patch_actions, patch_resource
from api.launchdarkly.wire.links import PREFIX, environments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import Limit, Offset
from api.launchdarkly.wire.patch_bodies import read_json_patch
from api.launchdarkly.wire.requests import ProjectKeyOf
from api.rest.operations import ADMIN, FULL_ADMIN, NO_PROJECT, READ, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import (
    Environment,
    EnvironmentRef,
    Project,
    Store,
    TooManyTokens,
    create_project,
    delete_project,
    issue_sdk_key,
)

router = APIRouter(prefix=f"{PREFIX}/projects", tags=["Projects"])

#: What a project gets that is created without environments, as at LaunchDarkly.
_DEFAULT_ENVIRONMENTS = (
    NewEnvironment(key="production", name="Production"),
    NewEnvironment(key="test", name="Test", color="F5A623"),
)
_log = structlog.get_logger(__name__)

#: Environments that a project includes when they are expanded.
_EXPANDED = 20


Expand = Annotated[
    str,
    Query(description="`environments` returns the first environments with each project."),
]


@router.get("", operation_id="getProjects", response_model=ProjectPage)
@operation(needs=READ)
def list_projects(
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    offset: Offset = 0,
    *,
    sort: Sort = "",
    filter: Filter = "",  # noqa: A002 - the documented name
    expand: Expand = "",
) -> Response:
    """List projects, newest first."""
    store = services.store()
    projects = store.projects.read_all()
    allowed = [project for project in projects if caller.scope.allows(project.key)]
    found = select(allowed, filter_text=filter, sort_text=sort, newest_first=True)
    page = found[offset : offset + limit]
    items = [_represent(store, project, expand, caller) for project in page]
    query = encode_query(sort=sort, filter=filter, expand=expand)
    links = page_links(f"{PREFIX}/projects", query, limit=limit, offset=offset, total=len(found))
    return json_response(ProjectPage(items=items, total_count=len(found), links=links))


@router.post(
    "",
    operation_id="postProject",
    status_code=201,
    response_model=ChangedProject,
    dependencies=[RequireJson],
)
@operation(needs=ADMIN, refuses={KeyTaken: "A project has this key."})
def post_project(body: NewProject, services: ServicesOf, caller: CallerOf) -> Response:
    """Create a project with its environments; only this answer contains their SDK keys."""
    require_scope(caller, body.key, whole=True)
    store = services.store()
    wanted = body.environments or _DEFAULT_ENVIRONMENTS
    if len({environment.key for environment in wanted}) < len(wanted):
        raise InvalidRequest("environments: two have one key")
    project = Project(body.key, body.name, services.clock(), body.tags, select_details(body))
    # A millisecond apart and none later than the project: they keep the order of the body, and
    # an environment created afterwards comes last.
    first_ms = project.created_ms - len(wanted) + 1
    environments = [
        new_environment(store, new, first_ms + index) for index, new in enumerate(wanted)
    ]
    create_project(store, project, environments)
    audit_project(
        services, caller, action="createProject", verb="created the project", after=project
    )
    keys = {
        key: issued_key(services, EnvironmentRef(project.key, key), caller)
        for key in (environment.key for environment in environments)
    }
    answer = _respond(store, project, 201, keys)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{projectKey}", operation_id="getProject", response_model=ProjectRepresentation)
@operation(needs=READ, refuses=NO_PROJECT)
def get_project(
    project: ProjectKeyOf, services: ServicesOf, caller: CallerOf, *, expand: Expand = ""
) -> Response:
    """Get a project."""
    store = services.store()
    return json_response(_represent(store, store.projects.get(project), expand, caller))


@router.patch(
    "/{projectKey}",
    operation_id="patchProject",
    response_model=ChangedProject,
    dependencies=[RequireJson],
    openapi_extra=JSON_PATCH_BODY,
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_PROJECT,
        Conflict: "A `test` of the patch failed, or the project keeps changing; read it again, "
        "then try again.",
    },
)
async def patch_project(
    request: Request, project: ProjectKeyOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change a project by JSON patch."""
    patch = await read_json_patch(request)

    def record(before: Project, after: Project) -> None:
        audit_project(
            services,
            caller,
            action=list_patch_actions(ProjectFields, before, after),
            verb="updated the project",
            before=before,
            after=after,
            comment=patch.comment,
        )

    def change() -> Response:
        store = services.store()
        changed = patch_resource(
            ProjectFields,
            patch.operations,
            lambda: store.projects.get(project),
            store.projects.update,
            record,
        )
        return _respond(store, changed, 200)

    return await run_in_threadpool(change)


@router.delete(
    "/{projectKey}", operation_id="deleteProject", status_code=204, dependencies=[RequireNoBody]
)
@operation(needs=FULL_ADMIN, refuses={**NO_PROJECT, Conflict: "It is the last project."})
def remove_project(project: ProjectKeyOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Delete a project, its environments, and everything in them."""
    store = services.store()
    before = store.projects.get(project)
    delete_project(store, project)
    audit_project(
        services, caller, action="deleteProject", verb="deleted the project", before=before
    )
    return Response(status_code=204)


def new_environment(
    store: Store, body: NewEnvironment, created_ms: int | None = None
) -> Environment:
    """Make the environment that a body describes, without an SDK key; stores nothing.

    Args:
        store: gives the time.
        body: the description.
        created_ms: when it was created, if not now.
    """
    return store.environments.new(
        body.key, body.name, body.tags, select_details(body), created_ms=created_ms
    )


def environments_in_scope(store: Store, project: str, caller: Caller) -> list[Environment]:
    """The environments of a project that the caller may see."""
    environments = store.environments.read_all(project)
    return [found for found in environments if caller.scope.allows(project, found.key)]


def _represent(
    store: Store, project: Project, expand: str, caller: Caller
) -> ProjectRepresentation:
    fields: dict[str, Any] = project_fields(project)
    if "environments" in [part.strip() for part in expand.split(",")]:
        found = select(environments_in_scope(store, project.key, caller))
        links = page_links(
            environments_path(project.key), "", limit=_EXPANDED, offset=0, total=len(found)
        )
        items = [represent_environment(project.key, resource) for resource in found[:_EXPANDED]]
        fields["environments"] = EnvironmentPage(items=items, total_count=len(found), links=links)
    return ProjectRepresentation.model_validate(fields)


def issued_key(services: Services, env: EnvironmentRef, caller: Caller) -> str | None:
    """Issue the SDK key of a new environment.

    Returns:
        The key; ``None`` if there are too many, which is no reason to do without the environment.
    """
    try:
        _, secret = issue_sdk_key(
            services.store(), env, keep_until_ms=None, created_by=caller.token_id
        )
    except TooManyTokens as exc:
        _log.warning("sdk_key.none", environment=str(env), reason=str(exc))
        return None
    services.token_directory.invalidate()
    return secret


def _respond(
    store: Store,
    project: Project,
    status: int,
    sdk_keys: Mapping[str, str | None] = MappingProxyType({}),
) -> Response:
    # Observed: the oldest environment first.
    found = select(store.environments.read_all(project.key))
    environments = [
        represent_environment(project.key, resource, sdk_keys.get(resource.key))
        for resource in found
    ]
    fields = project_fields(project) | {"environments": environments}
    return json_response(ChangedProject.model_validate(fields), status)
