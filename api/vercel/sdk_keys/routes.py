"""SDK keys of a project: create, list and revoke; for admins of the whole project.

A key shows everything that a project's segments say, so it takes whoever may hand that out.
"""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Path, Response

from api.audit import audit_in_project
from api.bodies.models import json_response
from api.errors import InvalidRequest, NotFound
from api.rest.operations import NO_PROJECT, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf
from api.vercel.operations import ADMIN
from api.vercel.sdk_keys.models import NewSdkKeyBody, SdkKeyList, SdkKeyRepresentation
from api.vercel.wire.paths import FEATURE_FLAGS
from api.vercel.wire.requests import WholeProjectOf
from worker.store import SdkKey

router = APIRouter(prefix=f"{FEATURE_FLAGS}/sdk-keys", tags=["Vercel SDK keys"])

_NO_KEY: Final[Refusals] = {NotFound: "The project or the SDK key does not exist."}

_log = structlog.get_logger(__name__)


@router.get("", operation_id="getSdkKeys", response_model=SdkKeyList)
@operation(needs=ADMIN, refuses=NO_PROJECT)
def list_sdk_keys(project: WholeProjectOf, services: ServicesOf) -> Response:
    """List the SDK keys of a project, newest first, without the keys themselves."""
    found = services.store().sdk_keys.of_project(project)
    return json_response(SdkKeyList(data=[SdkKeyRepresentation.of(key, project) for key in found]))


@router.put(
    "",
    operation_id="createSdkKey",
    response_model=SdkKeyRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=ADMIN,
    refuses={**NO_PROJECT, InvalidRequest: "The body is wrong, or there are too many SDK keys."},
)
def create_sdk_key(
    body: NewSdkKeyBody, project: WholeProjectOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Create an SDK key for an environment of flags; only this answer contains it."""
    key, secret = services.store().sdk_keys.create(
        project, environment=body.environment, label=body.label, created_by=caller.token_id
    )
    _log.info("sdk_key.created", sdk_key=key.id, project=project.key, by=caller.token_id)
    audit_in_project(
        services,
        caller,
        project,
        action="createSdkKey",
        verb="created an SDK key of",
        after=_summarize(key),
    )
    answer = json_response(SdkKeyRepresentation.of(key, project, secret))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete(
    "/{hashKey}", operation_id="deleteSdkKey", status_code=204, dependencies=[RequireNoBody]
)
@operation(needs=ADMIN, refuses=_NO_KEY)
def delete_sdk_key(
    hashKey: Annotated[str, Path(description="The SDK key's id.")],  # noqa: N803 - the documented name
    project: WholeProjectOf,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Revoke an SDK key; within a second every process rejects it."""
    key = services.store().sdk_keys.revoke(project, hashKey)
    services.token_directory.invalidate()
    _log.info("sdk_key.revoked", sdk_key=key.id, project=project.key, by=caller.token_id)
    audit_in_project(
        services,
        caller,
        project,
        action="deleteSdkKey",
        verb="revoked an SDK key of",
        before=_summarize(key),
    )
    return Response(status_code=204)


def _summarize(key: SdkKey) -> dict[str, object]:
    return {"sdkKey": key.id, "environment": key.environment, "label": key.label}
