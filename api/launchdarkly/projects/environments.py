"""Environments of a project: create, list, get, patch and delete."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.permissions import require_scope
from api.audit import audit, audit_environment
from api.bodies.models import MAX_SAFE_INTEGER, Int64, json_response
from api.errors import Conflict, InvalidRequest, KeyTaken
from api.launchdarkly.operations import JSON_PATCH_BODY, NO_ENVIRONMENT
from api.launchdarkly.projects.lists import Filter, Sort, select
from api.launchdarkly.projects.models import (
    EnvironmentFields,
    EnvironmentPage,
    EnvironmentRepresentation,
    NewEnvironment,
    represent_environment,
)
from api.launchdarkly.projects.patching import list_patch_actions, patch_resource
from api.launchdarkly.projects.projects import environments_in_scope, issued_key, new_environment
from api.launchdarkly.wire.links import PREFIX, environments_path
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import Limit, Offset
from api.launchdarkly.wire.patch_bodies import read_json_patch
from api.launchdarkly.wire.requests import EnvironmentRefOf, ProjectKeyOf
from api.rest.operations import ADMIN, FULL_ADMIN, NO_PROJECT, READ, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf
from worker.store import (
    Environment,
    EnvironmentRef,
    create_environment,
    delete_environment,
    environment_resource,
    issue_sdk_key,
)

router = APIRouter(prefix=f"{PREFIX}/projects/{{projectKey}}/environments", tags=["Environments"])

_LONGEST_KEPT_MS: Final = 366 * 86_400_000

_log = structlog.get_logger(__name__)


@router.get("", operation_id="getEnvironmentsByProject", response_model=EnvironmentPage)
@operation(needs=READ, refuses=NO_PROJECT)
def list_environments(
    project: ProjectKeyOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    offset: Offset = 0,
    *,
    sort: Sort = "",
    filter: Filter = "",  # noqa: A002 - the documented name
) -> Response:
    """List a project's environments, in order of creation."""
    resources = environments_in_scope(services.store(), project, caller)
    found = select(resources, filter_text=filter, sort_text=sort)
    links = page_links(
        environments_path(project),
        encode_query(sort=sort, filter=filter),
        limit=limit,
        offset=offset,
        total=len(found),
    )
    items = [
        represent_environment(project, resource) for resource in found[offset : offset + limit]
    ]
    return json_response(EnvironmentPage(items=items, total_count=len(found), links=links))


@router.post(
    "",
    operation_id="postEnvironment",
    status_code=201,
    response_model=EnvironmentRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=ADMIN,
    refuses={**NO_PROJECT, KeyTaken: "The project has an environment with this key."},
)
def post_environment(
    body: NewEnvironment, project: ProjectKeyOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create an environment without segments; only this answer contains its SDK key."""
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
    env = EnvironmentRef(project, environment.key)
    sdk_key = issued_key(services, env, caller)
    return _with_key(represent_environment(project, store.environments.get(env), sdk_key), 201)


@router.get(
    "/{environmentKey}", operation_id="getEnvironment", response_model=EnvironmentRepresentation
)
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def get_environment(env: EnvironmentRefOf, services: ServicesOf) -> Response:
    """Get an environment."""
    environment = services.store().environments.get(env)
    return json_response(represent_environment(env.project, environment))


@router.patch(
    "/{environmentKey}",
    operation_id="patchEnvironment",
    response_model=EnvironmentRepresentation,
    dependencies=[RequireJson],
    openapi_extra=JSON_PATCH_BODY,
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_ENVIRONMENT,
        Conflict: "A `test` of the patch failed, or the environment keeps changing; read it "
        "again, then try again.",
    },
)
async def patch_environment(
    request: Request, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Change an environment by JSON patch."""
    patch = await read_json_patch(request)

    def record(before: Environment, after: Environment) -> None:
        audit_environment(
            services,
            caller,
            env.project,
            action=list_patch_actions(EnvironmentFields, before, after),
            verb="updated the environment",
            before=before,
            after=after,
            comment=patch.comment,
        )

    def change() -> Response:
        environments = services.store().environments
        changed = patch_resource(
            EnvironmentFields,
            patch.operations,
            lambda: environments.get(env),
            lambda old, new: environments.update(env.project, old, new),
            record,
        )
        return json_response(represent_environment(env.project, changed))

    return await run_in_threadpool(change)


@router.post(
    "/{environmentKey}/apiKey",
    operation_id="resetEnvironmentSDKKey",
    response_model=EnvironmentRepresentation,
    dependencies=[RequireNoBody],
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_ENVIRONMENT,
        InvalidRequest: "`expiry` is in the past or more than a year ahead, or there are too many "
        "SDK keys.",
    },
)
def reset_sdk_key(
    env: EnvironmentRefOf,
    services: ServicesOf,
    caller: CallerOf,
    expiry: Annotated[
        Int64 | None,
        Query(
            ge=0,
            le=MAX_SAFE_INTEGER,
            description="Until when the key of before is valid, too, in Unix milliseconds; without "
            "it, that one stops working now.",
        ),
    ] = None,
) -> Response:
    """Give an environment another SDK key; only this answer contains it."""
    now_ms = services.clock()
    if expiry is not None and not now_ms < expiry <= now_ms + _LONGEST_KEPT_MS:
        raise InvalidRequest("expiry: Unix milliseconds, in the future and within a year")
    environment, sdk_key = issue_sdk_key(
        services.store(), env, keep_until_ms=expiry, created_by=caller.token_id
    )
    services.token_directory.invalidate()
    _log.info("sdk_key.reset", environment=str(env), by=caller.token_id)
    audit(
        services,
        caller,
        None,
        action="updateApiKey",
        kind="environment",
        resource=environment_resource(env),
        name=environment.name,
        verb="reset the SDK key of the environment",
        after={"oldKeyExpiry": expiry},
    )
    return _with_key(represent_environment(env.project, environment, sdk_key), 200)


def _with_key(shown: EnvironmentRepresentation, status: int) -> Response:
    answer = json_response(shown, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete(
    "/{environmentKey}",
    operation_id="deleteEnvironment",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(needs=FULL_ADMIN, refuses=NO_ENVIRONMENT)
def remove_environment(env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf) -> Response:
    """Delete an environment and everything in it; its members are freed soon after."""
    store = services.store()
    before = store.environments.get(env)
    delete_environment(store, env)
    audit_environment(
        services,
        caller,
        env.project,
        action="deleteEnvironment",
        verb="deleted the environment",
        before=before,
    )
    return Response(status_code=204)
