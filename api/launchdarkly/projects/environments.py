"""Environments of a project: create, list, get, patch and delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.audit import audit_environment
from api.bodies.models import Int32, Int64, json_response
from api.launchdarkly.operations import require_scope
from api.launchdarkly.patches.bodies import read_json_patch
from api.launchdarkly.projects.lists import select
from api.launchdarkly.projects.models import (
    EnvironmentFields,
    EnvironmentPage,
    EnvironmentRepresentation,
    NewEnvironment,
    represent_environment,
)
from api.launchdarkly.projects.patching import patch_actions, patch_place
from api.launchdarkly.projects.projects import ProjectOf, environments_in_scope, new_environment
from api.launchdarkly.wire.links import PREFIX, environments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.requests import RequireJson, RequireNoBody, ScopeOf
from api.services.services import CallerOf, ServicesOf
from worker.store import Place, create_environment, delete_environment


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix=f"{PREFIX}/projects/{{projectKey}}/environments")
    routes.tags = ["Environments"]
    routes.get("", operation_id="getEnvironmentsByProject", response_model=EnvironmentPage)(
        list_environments
    )
    routes.post(
        "",
        operation_id="postEnvironment",
        status_code=201,
        response_model=EnvironmentRepresentation,
        dependencies=[RequireJson],
    )(post_environment)
    path = "/{environmentKey}"
    routes.get(path, operation_id="getEnvironment", response_model=EnvironmentRepresentation)(
        get_environment
    )
    routes.patch(
        path,
        operation_id="patchEnvironment",
        response_model=EnvironmentRepresentation,
        dependencies=[RequireJson],
    )(patch_environment)
    routes.delete(
        path, operation_id="deleteEnvironment", status_code=204, dependencies=[RequireNoBody]
    )(remove_environment)
    return routes


def list_environments(
    project: ProjectOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[Int32, Query(ge=1, le=1000)] = 20,
    offset: Annotated[Int64, Query(ge=0)] = 0,
    *,
    sort: str = "",
    filter: str = "",  # noqa: A002 - the documented name
) -> Response:
    """List a project's environments, in order of creation."""
    places = environments_in_scope(services.store(), project, caller)
    found = select(places, filter_text=filter, sort_text=sort)
    links = page_links(
        environments_path(project),
        encode_query(sort=sort, filter=filter),
        limit=limit,
        offset=offset,
        total=len(found),
    )
    items = [represent_environment(project, place) for place in found[offset : offset + limit]]
    return json_response(EnvironmentPage(items=items, total_count=len(found), links=links))


def post_environment(
    body: NewEnvironment, project: ProjectOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create an environment without segments."""
    require_scope(caller, project, body.key, whole=True)
    store = services.store()
    environment = new_environment(store, body)
    create_environment(store, project, environment)
    audit_environment(
        services,
        caller,
        project,
        action="createEnvironment",
        verb="created the environment",
        after=environment,
    )
    return json_response(represent_environment(project, environment), 201)


def get_environment(scope: ScopeOf, services: ServicesOf) -> Response:
    """Read an environment."""
    environment = services.store().environments.environment(scope)
    return json_response(represent_environment(scope.project, environment))


async def patch_environment(
    request: Request, scope: ScopeOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change an environment by JSON patch."""
    patch = await read_json_patch(request)

    def record(before: Place, after: Place) -> None:
        audit_environment(
            services,
            caller,
            scope.project,
            action=patch_actions(EnvironmentFields, before, after),
            verb="updated the environment",
            before=before,
            after=after,
            comment=patch.comment,
        )

    def change() -> Response:
        places = services.store().environments
        changed = patch_place(
            EnvironmentFields,
            patch.operations,
            lambda: places.environment(scope),
            lambda old, new: places.update_environment(scope.project, old, new),
            record,
        )
        return json_response(represent_environment(scope.project, changed))

    return await run_in_threadpool(change)


def remove_environment(scope: ScopeOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Delete an environment and all that it holds; its members are freed soon after."""
    store = services.store()
    before = store.environments.environment(scope)
    delete_environment(store, scope)
    audit_environment(
        services,
        caller,
        scope.project,
        action="deleteEnvironment",
        verb="deleted the environment",
        before=before,
    )
    return Response(status_code=204)
