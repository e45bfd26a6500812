"""``/sdk-store``: whether SDKs may read the memberships of an environment from Redis."""

from typing import Final

import structlog
from fastapi import APIRouter, Response

from api.audit import audit_in_environment
from api.bodies.models import json_response
from api.errors import Conflict, InvalidRequest
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.sdk_store.models import (
    SdkStorePatch,
    SdkStoreRepresentation,
    represent_sdk_store,
)
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import EnvironmentRefOf
from api.rest.operations import FULL_ADMIN, READ, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentRef, SdkStoreSettings

router = APIRouter(prefix=f"{PREFIX}/sdk-store/{{projectKey}}/{{environmentKey}}", tags=["SDKs"])

_log = structlog.get_logger(__name__)
_ACTION: Final = "updateSdkStore"


@router.get("", operation_id="getSdkStore", response_model=SdkStoreRepresentation)
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def get_sdk_store(env: EnvironmentRefOf, services: ServicesOf) -> Response:
    """Get whether the big segments of an environment are kept for SDKs, and how that is."""
    services.store().environments.require(env)
    return _respond(services, env)


@router.patch(
    "",
    operation_id="patchSdkStore",
    response_model=SdkStoreRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **NO_ENVIRONMENT,
        InvalidRequest: "The body is wrong.",
        Conflict: "Another environment has the prefix, or this one still has sets under another.",
    },
)
def patch_sdk_store(
    body: SdkStorePatch, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Switch it on or off, or give it another prefix while it is off.

    Workers follow within about a second, and fill the sets in the background. Once it is off they
    take what they have written out of the sets again, and the prefix is free.
    """
    store = services.store()
    store.environments.require(env)
    before = _settings(services, env)
    after = SdkStoreSettings(
        on=before.on if body.on is None else body.on,
        prefix=before.prefix if body.prefix is None else body.prefix,
    )
    if after != before:
        _require_same_sets(services, env, after)
        store.sdk_store.put_settings(env, after)
        _log.info("sdk_store.switched", environment=str(env), on=after.on, by=caller.token_id)
        audit_in_environment(
            services,
            caller,
            env,
            action=_ACTION,
            verb=f"switched the SDK store {'on' if after.on else 'off'} in the environment",
            before={"on": before.on, "prefix": before.prefix},
            after={"on": after.on, "prefix": after.prefix},
        )
    return _respond(services, env)


def _require_same_sets(services: Services, env: EnvironmentRef, after: SdkStoreSettings) -> None:
    """Refuse another prefix as long as there are sets under the one before."""
    prefix = services.store().sdk_store.environments().get(env, after.prefix)
    if prefix != after.prefix:
        raise Conflict(
            f"environment {env.environment} has sets under prefix {prefix}; switch it off and wait "
            "until they are removed"
        )


def _settings(services: Services, env: EnvironmentRef) -> SdkStoreSettings:
    found = services.store().sdk_store.find_settings(env)
    return found or SdkStoreSettings(prefix=services.settings.sdk_store_prefix)


def _respond(services: Services, env: EnvironmentRef) -> Response:
    records = services.store().sdk_store
    shown = represent_sdk_store(
        env,
        _settings(services, env),
        records.state(env),
        removing=env in records.environments(),
        now_ms=services.clock(),
    )
    return json_response(shown)
