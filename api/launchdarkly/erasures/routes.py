"""Erase a context key from an environment, and read the receipts."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from api.access.auth import Caller
from api.audit import audit
from api.bodies.models import json_response
from api.errors import InvalidRequest, NotFound
from api.jobs.records import JOB_ID
from api.launchdarkly.erasures.models import (
    ErasurePage,
    ErasureRepresentation,
    NewErasure,
    erasures_path,
    represent_erasure,
)
from api.launchdarkly.operations import NO_ENVIRONMENT
from api.launchdarkly.targeting.fields import RESERVED_KINDS
from api.launchdarkly.wire.context_keys import decode_context_key, require_context_key
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.pages import page_links
from api.launchdarkly.wire.parameters import ContextKeyOfKind, ContextKindPart, Limit, Offset
from api.launchdarkly.wire.requests import EnvironmentRefOf, require_keys
from api.rest.operations import READ, WHOLE_WRITE, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import EnvironmentRef, environment_resource, start_erasure

router = APIRouter(tags=["Environments"])

_COLLECTION: Final = f"{PREFIX}/projects/{{projectKey}}/environments/{{environmentKey}}/erasures"
_CONTEXT: Final = f"{PREFIX}/contexts/{{projectKey}}/{{environmentKey}}/{{contextKind}}"
#: Of '', 'api', 'v2', 'contexts', project, environment, kind, context key.
_PARTS: Final = 8
_REFUSES: Final[Refusals] = {
    **NO_ENVIRONMENT,
    InvalidRequest: "The kind or the key is not valid, or the environment has too many erased "
    "keys.",
}
_NO_ERASURE: Final[Refusals] = {
    NotFound: "The project, the environment or the erasure does not exist, or its receipt is no "
    "longer on record."
}
_LOCATION: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "The key is being erased.",
        "headers": {
            "Location": {
                "description": "The path of the erasure; it ends with its id.",
                "required": True,
                "schema": {
                    "type": "string",
                    "pattern": f"^{PREFIX}/projects/.+/erasures/[0-9a-f-]{{36}}$",
                },
            }
        },
    }
}
ErasureId = Annotated[
    str,
    Path(
        description="The erasure's id.",
        json_schema_extra={"format": "uuid", "pattern": f"^{JOB_ID.pattern}$"},
    ),
]


@router.delete(
    f"{_CONTEXT}/{{contextKey:path}}",
    operation_id="eraseContext",
    status_code=202,
    response_model=ErasureRepresentation,
    responses=_LOCATION,
    dependencies=[RequireNoBody],
)
@operation(needs=WHOLE_WRITE, refuses=_REFUSES)
def erase_context(
    request: Request,
    env: EnvironmentRefOf,
    contextKind: ContextKindPart,  # noqa: N803 - the documented name
    contextKey: ContextKeyOfKind,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Erase a context from everything that an environment has; see `createErasure`."""
    del contextKey  # decoded before it could be told from several parts
    parts = request.scope["raw_path"].split(b"/")
    if len(parts) != _PARTS:
        raise NotFound("send a slash of a key as %2F, or the key in the body of a POST")
    return _start(services, caller, env, contextKind, decode_context_key(parts[-1]))


@router.post(
    _COLLECTION,
    operation_id="createErasure",
    status_code=202,
    response_model=ErasureRepresentation,
    responses=_LOCATION,
    dependencies=[RequireJson],
)
@operation(needs=WHOLE_WRITE, refuses=_REFUSES)
def create_erasure(
    body: NewErasure, env: EnvironmentRefOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Erase a context key from everything that an environment has, with the key in the body.

    It goes from both lists of every segment of its kind, from kept revisions, from imports at
    work or waiting, from previews and expiring targets. Files of exports, also at destinations,
    and of rejected rows are deleted, and so are uploads that no import has taken, because they may
    have it. A composition stops if it would read the key from a segment as it was before; compose
    again. Imports leave its rows out from then on, unless `allowErased` is sent. It is complete
    once nothing has the key; until then an edit that adds it again is undone. Asking again gives
    the erasure that is under way. The receipt names what is left to people: rules and flags with
    the key, and files at destinations where bigseg may not delete. Other environments, and what
    belongs to a project in Vercel's dialect, are not looked through.
    """
    return _start(services, caller, env, body.kind, require_context_key(body.key))


@router.get(_COLLECTION, operation_id="getErasures", response_model=ErasurePage)
@operation(needs=READ, refuses=NO_ENVIRONMENT)
def list_erasures(
    env: EnvironmentRefOf, services: ServicesOf, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """List the erasures of an environment, the last thousand, newest first."""
    store = services.store()
    store.environments.require(env)
    found = store.erasures.read_all(env)
    links = page_links(erasures_path(env), "", limit=limit, offset=offset, total=len(found))
    items = [represent_erasure(env, each) for each in found[offset : offset + limit]]
    return json_response(ErasurePage(items=items, total_count=len(found), links=links))


@router.get(
    f"{_COLLECTION}/{{erasureID}}",
    operation_id="getErasure",
    response_model=ErasureRepresentation,
)
@operation(needs=READ, refuses=_NO_ERASURE)
def get_erasure(
    env: EnvironmentRefOf,
    erasureID: ErasureId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Get an erasure; once it is complete, the receipt of all that it has touched."""
    if JOB_ID.fullmatch(erasureID) is None:
        raise NotFound(f"erasure {erasureID[:80]} does not exist")
    store = services.store()
    store.environments.require(env)
    return json_response(represent_erasure(env, store.erasures.get(env, erasureID)))


def _start(
    services: Services, caller: Caller, env: EnvironmentRef, kind: str, key: str
) -> Response:
    require_keys(kind)
    if kind in RESERVED_KINDS:
        raise InvalidRequest(f"the context kind {kind} is reserved")
    erasure_id = services.ids()
    erasure = start_erasure(services.store(), env, kind, key, erasure_id, caller.name)
    if erasure.id == erasure_id:
        audit(
            services,
            caller,
            env,
            action="createContextErasure",
            kind="environment",
            resource=environment_resource(env),
            name=env.environment,
            verb="started to erase a context from the environment",
            after={"erasureId": erasure.id, "contextKind": kind, "keyHash": erasure.key_hash},
        )
    services.work.tend()
    response = json_response(represent_erasure(env, erasure), 202)
    response.headers["Location"] = f"{erasures_path(env)}/{erasure.id}"
    return response
