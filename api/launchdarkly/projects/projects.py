"""Projects: create, list, get, patch and delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.audit import audit_project
from api.errors import Conflict, InvalidRequest, KeyTaken, NotFound
from api.launchdarkly.operations import (
    ADMIN,
    FULL_ADMIN,
    JSON_PATCH_BODY,
    NO_PROJECT,
    READ,
    operation,
)
from api.launchdarkly.projects.bodies import NewEnvironment, NewProject, ProjectFields, details_of
from api.launchdarkly.projects.lists import Filter, Sort, chosen
from api.launchdarkly.projects.patching import patch_of, patched, patched_actions
from api.launchdarkly.projects.shapes import (
    ChangedProject,
    EnvironmentPage,
    ProjectPage,
    ProjectRepresentation,
    environment_shape,
    environments_path,
    project_shape,
)
from api.launchdarkly.wire.links import PREFIX, RESOURCE_KEY
from api.launchdarkly.wire.pages import encoded, page_links
from api.launchdarkly.wire.parameters import Limit, Offset, ProjectKey
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, ServicesOf
from worker.store import Place, Store, create_project, delete_project

router = APIRouter(prefix=f"{PREFIX}/projects", tags=["Projects"])

#: What a project without environments of its own gets, as at LaunchDarkly.
_DEFAULT_ENVIRONMENTS = (
    NewEnvironment(key="production", name="Production"),
    NewEnvironment(key="test", name="Test", color="F5A623"),
)
#: Environments of a project that are shown inside it.
_EXPANDED = 20


def project_key_of(projectKey: ProjectKey) -> str:  # noqa: N803 - the documented name
    """The project that the path names; whether it exists is not said.

    Raises:
        NotFound: a key that no resource can have.
    """
    if RESOURCE_KEY.fullmatch(projectKey) is None:
        raise NotFound("invalid resource identifier")
    return projectKey


ProjectOf = Annotated[str, Depends(project_key_of)]


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
    places = [one for one in store.environments.projects() if caller.scope.allows(one.key)]
    found = chosen(places, filter_text=filter, sort_text=sort, newest_first=True)
    page = found[offset : offset + limit]
    items = [_representation(store, one, expand, caller) for one in page]
    query = encoded(sort=sort, filter=filter, expand=expand)
    links = page_links(f"{PREFIX}/projects", query, limit=limit, offset=offset, total=len(found))
    return shown(ProjectPage(items=items, totalCount=len(found), links=links))


@router.post(
    "",
    operation_id="postProject",
    status_code=201,
    response_model=ChangedProject,
    dependencies=[RequireJson],
)
@operation(needs=ADMIN, refuses={KeyTaken: "A project has this key."})
def post_project(body: NewProject, services: ServicesOf, caller: CallerOf) -> Response:
    """Create a project with its environments."""
    require_scope(caller, body.key, whole=True)
    store = services.store()
    wanted = body.environments or _DEFAULT_ENVIRONMENTS
    if len({one.key for one in wanted}) < len(wanted):
        raise InvalidRequest("environments: two have one key")
    project = Place(body.key, body.name, services.clock(), body.tags, details_of(body))
    # Each a millisecond after the one before, none after the project: their order stays that
    # of the body, and whatever is created next comes last.
    first_ms = project.created_ms - len(wanted) + 1
    environments = [
        new_environment(store, one, first_ms + index) for index, one in enumerate(wanted)
    ]
    create_project(store, project, environments)
    audit_project(
        services, caller, action="createProject", verb="created the project", after=project
    )
    return _changed(store, project, 201)


@router.get("/{projectKey}", operation_id="getProject", response_model=ProjectRepresentation)
@operation(needs=READ, refuses=NO_PROJECT)
def get_project(
    project: ProjectOf, services: ServicesOf, caller: CallerOf, *, expand: Expand = ""
) -> Response:
    """Get a project."""
    store = services.store()
    return shown(_representation(store, store.environments.project(project), expand, caller))


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
    request: Request, project: ProjectOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change a project by JSON patch."""
    patch = await patch_of(request)

    def record(before: Place, after: Place) -> None:
        audit_project(
            services,
            caller,
            action=patched_actions(ProjectFields, before, after),
            verb="updated the project",
            before=before,
            after=after,
            comment=patch.comment,
        )

    def change() -> Response:
        store = services.store()
        places = store.environments
        changed = patched(
            ProjectFields,
            patch.operations,
            lambda: places.project(project),
            places.update_project,
            record,
        )
        return _changed(store, changed, 200)

    return await run_in_threadpool(change)


@router.delete(
    "/{projectKey}", operation_id="deleteProject", status_code=204, dependencies=[RequireNoBody]
)
@operation(needs=FULL_ADMIN, refuses={**NO_PROJECT, Conflict: "It is the last project."})
def remove_project(project: ProjectOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Delete a project, its environments, and everything in them."""
    store = services.store()
    before = store.environments.project(project)
    delete_project(store, project)
    audit_project(
        services, caller, action="deleteProject", verb="deleted the project", before=before
    )
    return Response(status_code=204)


def new_environment(store: Store, body: NewEnvironment, created_ms: int | None = None) -> Place:
    """The environment that a body asks for, with new keys for its SDKs, made now or then."""
    return store.environments.new_environment(
        body.key, body.name, body.tags, details_of(body), created_ms=created_ms
    )


def in_order_of_creation(places: list[Place]) -> list[Place]:
    """Environments as LaunchDarkly lists them (observed): the oldest first."""
    return chosen(places, filter_text="", sort_text="", newest_first=False)


def environments_in_scope(store: Store, project: str, caller: Caller) -> list[Place]:
    """The environments of a project that a caller may know of."""
    places = store.environments.environments(project)
    return [one for one in places if caller.scope.allows(project, one.key)]


def _representation(
    store: Store, project: Place, expand: str, caller: Caller
) -> ProjectRepresentation:
    fields: dict[str, Any] = project_shape(project)
    if "environments" in [part.strip() for part in expand.split(",")]:
        places = environments_in_scope(store, project.key, caller)
        found = in_order_of_creation(places)
        links = page_links(
            environments_path(project.key), "", limit=_EXPANDED, offset=0, total=len(found)
        )
        items = [environment_shape(project.key, one) for one in found[:_EXPANDED]]
        fields["environments"] = EnvironmentPage(items=items, totalCount=len(found), links=links)
    return ProjectRepresentation.model_validate(fields)


def _changed(store: Store, project: Place, status: int) -> Response:
    found = in_order_of_creation(store.environments.environments(project.key))
    environments = [environment_shape(project.key, one) for one in found]
    fields = project_shape(project) | {"environments": environments}
    return shown(ChangedProject.model_validate(fields), status)
