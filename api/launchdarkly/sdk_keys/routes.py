"""SDK keys of an environment: for admins of all of it, because a key shows everything in it."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Path, Response

from api.audit import audit_in_environment
from api.bodies.models import json_response
from api.errors import InvalidRequest, NotFound
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.sdk_keys.models import (
    EnvironmentSdkKey,
    EnvironmentSdkKeys,
    NewEnvironmentSdkKey,
    sdk_keys_path,
)
from api.launchdarkly.wire.links import PREFIX, link
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import FULL_ADMIN, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentRef, SdkKey, SdkKeyNotFound, Summary

router = APIRouter(
    prefix=f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}/sdk-keys",
    tags=["SDKs"],
)

_NO_KEY: Final[Refusals] = {NotFound: "The project, the environment or the key does not exist."}
SdkKeyId = Annotated[
    str, Path(description="The key's id.", json_schema_extra={"pattern": "^[0-9a-f]{64}$"})
]

_log = structlog.get_logger(__name__)


@router.get("", operation_id="getEnvironmentSdkKeys", response_model=EnvironmentSdkKeys)
@operation(needs=FULL_ADMIN, refuses=NO_ENVIRONMENT)
def list_environment_sdk_keys(env: EnvironmentRefOf, services: ServicesOf) -> Response:
    """List the SDK keys of an environment, newest first, masked."""
    items = [EnvironmentSdkKey.of(env, key) for key in _valid(services, env)]
    links = {"self": link(sdk_keys_path(env))}
    return json_response(EnvironmentSdkKeys(items=items, links=links))


@router.post(
    "",
    operation_id="postEnvironmentSdkKey",
    status_code=201,
    response_model=EnvironmentSdkKey,
    dependencies=[RequireJson],
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_ENVIRONMENT,
        InvalidRequest: "The body is wrong, or there are too many SDK keys.",
    },
)
def post_environment_sdk_key(
    body: NewEnvironmentSdkKey, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create another SDK key of an environment; only this answer contains it.

    A key for a Relay Proxy is of use to nothing else.
    """
    store = services.store()
    store.environments.require(env)
    key, secret = store.sdk_keys.create(
        store.projects.get(env.project),
        environment=env.environment,
        label=body.label,
        created_by=caller.token_id,
        launchdarkly=True,
        relay=body.relay,
    )
    # A hundred SDKs that start at once would be too many unknown keys to ask for each.
    services.token_directory.invalidate()
    _log.info("sdk_key.created", sdk_key=key.id, environment=str(env), by=caller.token_id)
    audit_in_environment(
        services,
        caller,
        env,
        action="createSdkKey",
        verb="created an SDK key of the environment",
        after=_summarise(key),
    )
    answer = json_response(EnvironmentSdkKey.of(env, key, secret), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete(
    "/{sdkKeyId}",
    operation_id="deleteEnvironmentSdkKey",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(
    needs=FULL_ADMIN,
    refuses={**_NO_KEY, InvalidRequest: "It is the environment's own key, which is reset instead."},
)
def delete_environment_sdk_key(
    env: EnvironmentRefOf,
    sdkKeyId: SdkKeyId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Revoke an SDK key; within a second every process rejects it, and its streams end."""
    store = services.store()
    key = next((key for key in _valid(services, env) if key.id == sdkKeyId), None)
    if key is None:
        message = f"environment {env.environment} has no SDK key {sdkKeyId[:64]}"
        raise SdkKeyNotFound(message)
    if key.own and key.expires_ms is None:
        raise InvalidRequest(
            "it is the environment's own SDK key: reset it instead, by POST to apiKey"
        )
    store.sdk_keys.revoke(store.projects.get(env.project), key.id)
    services.token_directory.invalidate()
    _log.info("sdk_key.revoked", sdk_key=key.id, environment=str(env), by=caller.token_id)
    audit_in_environment(
        services,
        caller,
        env,
        action="deleteSdkKey",
        verb="revoked an SDK key of the environment",
        before=_summarise(key),
    )
    return Response(status_code=204)


def _valid(services: Services, env: EnvironmentRef) -> list[SdkKey]:
    store, now_ms = services.store(), services.clock()
    store.environments.require(env)
    found = store.sdk_keys.of_environment(store.projects.get(env.project), env.environment)
    return [key for key in found if not key.is_over(now_ms)]


def _summarise(key: SdkKey) -> Summary:
    return {"sdkKey": key.id, "label": key.label, "relay": key.relay}
