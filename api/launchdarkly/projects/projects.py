"""Projects: create, list, get, patch and delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_project
from api.bodies.models import Int32, Int64, json_response
from api.errors import InvalidRequest, NotFound
from api.launchdarkly.operations import require_scope
from api.launchdarkly.patches.bodies import read_json_patch
from api.launchdarkly.projects.lists import select
from api.launchdarkly.projects.models import (
    ChangedProject,
    EnvironmentPage,
    NewEnvironment,
    NewProject,
    ProjectFields,
    ProjectPage,
    ProjectRepresentation,
    details_of,
    project_fields,
    represent_environment,
)
from api.launchdarkly.projects.patching import patch_actions, patch_place
from api.launchdarkly.wire.links import PREFIX, RESOURCE_KEY, environments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf
from worker.store import Place, Store, create_project, delete_project

#: What a project without environments of its own gets, as at LaunchDarkly.
_DEFAULT_ENVIRONMENTS = (
    NewEnvironment(key="production", name="Production"),
    NewEnvironment(key="test", name="Test", color="F5A623"),
)
#: Environments of a project that are shown inside it.
_EXPANDED = 20


def project_key_of(projectKey: str) -> str:  # noqa: N803 - the documented name
    """The project that the path names; it may not exist.

    Raises:
        NotFound: a key that no resource can have.
    """
    if RESOURCE_KEY.fullmatch(projectKey) is None:
        raise NotFound("invalid resource identifier")
    return projectKey


ProjectOf = Annotated[str, Depends(project_key_of)]


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix=f"{PREFIX}/projects", tags=["Projects"])
    routes.get("", operation_id="getProjects", response_model=ProjectPage)(list_projects)
    routes.post(
        "",
        operation_id="postProject",
        status_code=201,
        response_model=ChangedProject,
        dependencies=[RequireJson],
    )(post_project)
    path = "/{projectKey}"
    routes.get(path, operation_id="getProject", response_model=ProjectRepresentation)(get_project)
    routes.patch(
        path,
        operation_id="patchProject",
        response_model=ChangedProject,
        dependencies=[RequireJson],
    )(patch_project)
    routes.delete(
        path, operation_id="deleteProject", status_code=204, dependencies=[RequireNoBody]
    )(remove_project)
    return routes


def list_projects(
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[Int32, Query(ge=1, le=1000)] = 20,
    offset: Annotated[Int64, Query(ge=0)] = 0,
    *,
    sort: str = "",
    filter: str = "",  # noqa: A002 - the documented name
    expand: str = "",
) -> Response:
    """List projects, newest first."""
    store = services.store()
    places = store.environments.projects()
    allowed = [project for project in places if caller.scope.allows(project.key)]
    found = select(allowed, filter_text=filter, sort_text=sort, newest_first=True)
    page = found[offset : offset + limit]
    items = [_represent(store, project, expand, caller) for project in page]
    query = encode_query(sort=sort, filter=filter, expand=expand)
    links = page_links(f"{PREFIX}/projects", query, limit=limit, offset=offset, total=len(found))
    return json_response(ProjectPage(items=items, total_count=len(found), links=links))


def post_project(body: NewProject, services: ServicesOf, caller: CallerOf) -> Response:
    """Create a project with its environments."""
    require_scope(caller, body.key, whole=True)
    store = services.store()
    wanted = body.environments or _DEFAULT_ENVIRONMENTS
    if len({environment.key for environment in wanted}) < len(wanted):
        raise InvalidRequest("environments: two have one key")
    project = Place(body.key, body.name, services.clock(), body.tags, details_of(body))
    # A millisecond apart and none later than the project: they keep the order of the body, and
    # whatever is created next comes last.
    first_ms = project.created_ms - len(wanted) + 1
    environments = [
        new_environment(store, new, first_ms + index) for index, new in enumerate(wanted)
    ]
    create_project(store, project, environments)
    audit_project(
        services, caller, action="createProject", verb="created the project", after=project
    )
    return _respond(store, project, 201)


def get_project(
    project: ProjectOf, services: ServicesOf, caller: CallerOf, *, expand: str = ""
) -> Response:
    """Read a project."""
    store = services.store()
    return json_response(_represent(store, store.environments.project(project), expand, caller))


async def patch_project(
    request: Request, project: ProjectOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change a project by JSON patch."""
    patch = await read_json_patch(request)

    def record(before: Place, after: Place) -> None:
        audit_project(
            services,
            caller,
            action=patch_actions(ProjectFields, before, after),
            verb="updated the project",
            before=before,
            after=after,
            comment=patch.comment,
        )

    def change() -> Response:
        store = services.store()
        places = store.environments
        changed = patch_place(
            ProjectFields,
            patch.operations,
            lambda: places.project(project),
            places.update_project,
            record,
        )
        return _respond(store, changed, 200)

    return await run_in_threadpool(change)


def remove_project(project: ProjectOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Delete a project, its environments, and all that they hold."""
    store = services.store()
    before = store.environments.project(project)
    delete_project(store, project)
    audit_project(
        services, caller, action="deleteProject", verb="deleted the project", before=before
    )
    return Response(status_code=204)


def new_environment(store: Store, body: NewEnvironment, created_ms: int | None = None) -> Place:
    """Make the environment that a body describes, with new SDK keys; stores nothing.

    Args:
        store: gives the time and the keys.
        body: the description.
        created_ms: when it was created, if not now.
    """
    return store.environments.new_environment(
        body.key, body.name, body.tags, details_of(body), created_ms=created_ms
    )


def environments_in_scope(store: Store, project: str, caller: Caller) -> list[Place]:
    """The environments of a project that the caller may see."""
    places = store.environments.environments(project)
    return [place for place in places if caller.scope.allows(project, place.key)]


def _represent(store: Store, project: Place, expand: str, caller: Caller) -> ProjectRepresentation:
    fields: dict[str, Any] = project_fields(project)
    if "environments" in [part.strip() for part in expand.split(",")]:
        found = select(environments_in_scope(store, project.key, caller))
        links = page_links(
            environments_path(project.key), "", limit=_EXPANDED, offset=0, total=len(found)
        )
        items = [represent_environment(project.key, place) for place in found[:_EXPANDED]]
        fields["environments"] = EnvironmentPage(items=items, total_count=len(found), links=links)
    return ProjectRepresentation.model_validate(fields)


def _respond(store: Store, project: Place, status: int) -> Response:
    # Observed: the oldest environment first.
    found = select(store.environments.environments(project.key))
    environments = [represent_environment(project.key, place) for place in found]
    fields = project_fields(project) | {"environments": environments}
    return json_response(ChangedProject.model_validate(fields), status)
