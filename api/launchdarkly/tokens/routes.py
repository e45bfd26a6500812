"""Access tokens: create, list, get, patch, reset and delete; for admins without a scope.

An admin with a scope could otherwise create a token without one. Source: LaunchDarkly's
documentation of access tokens.
"""

import dataclasses
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit
from api.bodies.models import MAX_SAFE_INTEGER, Int64, json_response, wire_names
from api.errors import Conflict, NotFound
from api.launchdarkly.operations import JSON_PATCH_BODY
from api.launchdarkly.tokens.models import (
    TOKENS_PATH,
    NewTokenBody,
    ResetBody,
    TokenFields,
    TokenPage,
    TokenRepresentation,
    patchable_fields,
    represent_token,
)
from api.launchdarkly.wire.json_patch import Patchable, apply_json_patch, patch_refusal
from api.launchdarkly.wire.pages import page_links
from api.launchdarkly.wire.parameters import Limit, Offset
from api.launchdarkly.wire.patch_bodies import read_json_patch
from api.launchdarkly.wire.specifiers import format_grant
from api.rest.operations import FULL_ADMIN, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import AccessToken, retry_on_change

router = APIRouter(prefix=TOKENS_PATH, tags=["Access tokens"])

_NO_TOKEN: Final[Refusals] = {NotFound: "The access token does not exist."}
_ID: Final[dict[str, Any]] = {"pattern": "^[0-9a-f]{24}$"}

TokenId = Annotated[str, Path(description="The access token's id.", json_schema_extra=_ID)]

TOKEN: Final = Patchable("an access token", wire_names(TokenFields))

_log = structlog.get_logger(__name__)


@router.get("", operation_id="getTokens", response_model=TokenPage)
@operation(needs=FULL_ADMIN)
def list_tokens(
    services: ServicesOf,
    limit: Limit = 25,
    offset: Offset = 0,
) -> Response:
    """List all access tokens, newest first."""
    found = services.store().access_tokens.read().tokens
    items = [represent_token(token) for token in found[offset : offset + limit]]
    links = page_links(TOKENS_PATH, "", limit=limit, offset=offset, total=len(found))
    return json_response(TokenPage(items=items, links=links, total_count=len(found)))


@router.post(
    "",
    operation_id="postToken",
    status_code=201,
    response_model=TokenRepresentation,
    dependencies=[RequireJson],
)
@operation(needs=FULL_ADMIN)
def post_token(body: NewTokenBody, services: ServicesOf, caller: CallerOf) -> Response:
    """Create an access token; only this answer contains its secret."""
    new = body.new_token(caller.token_id, services.clock())
    made = services.store().access_tokens.create(new)
    _log.info("token.created", token=made[0].id, role=new.role, by=caller.token_id)
    _record(services, caller, "createAccessToken", "created the access token", after=made[0])
    return _with_secret(made, 201)


@router.get("/{id}", operation_id="getToken", response_model=TokenRepresentation)
@operation(needs=FULL_ADMIN, refuses=_NO_TOKEN)
def get_token(id: TokenId, services: ServicesOf) -> Response:  # noqa: A002 - the documented name
    """Get an access token."""
    return json_response(represent_token(services.store().access_tokens.get(id)))


@router.patch(
    "/{id}",
    operation_id="patchToken",
    response_model=TokenRepresentation,
    dependencies=[RequireJson],
    openapi_extra=JSON_PATCH_BODY,
)
@operation(
    needs=FULL_ADMIN,
    refuses={
        **_NO_TOKEN,
        Conflict: "A `test` of the patch failed, or the access token keeps changing; read it "
        "again, then try again.",
    },
)
async def patch_token(
    request: Request,
    id: TokenId,  # noqa: A002 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Change an access token by JSON patch; its secret stays the same."""
    patch = await read_json_patch(request)

    def change() -> AccessToken:
        before, token = _patch(services, id, patch.operations)
        if token != before:
            _log.info("token.changed", token=id, role=token.role, by=caller.token_id)
            verb = "updated the access token"
            _record(services, caller, "updateAccessToken", verb, before, token, patch.comment)
        return token

    return json_response(represent_token(await run_in_threadpool(change)))


@router.delete("/{id}", operation_id="deleteToken", status_code=204, dependencies=[RequireNoBody])
@operation(needs=FULL_ADMIN, refuses=_NO_TOKEN)
def delete_token(
    id: TokenId,  # noqa: A002 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Revoke an access token; within a second every process rejects it."""
    tokens = services.store().access_tokens
    before = tokens.get(id)
    tokens.revoke(id)
    services.token_directory.invalidate()
    _log.info("token.revoked", token=id, by=caller.token_id)
    _record(services, caller, "deleteAccessToken", "revoked the access token", before=before)
    return Response(status_code=204)


@router.post("/{id}/reset", operation_id="resetToken", response_model=TokenRepresentation)
@operation(
    needs=FULL_ADMIN,
    refuses={**_NO_TOKEN, Conflict: "The access token keeps changing; try again."},
)
def reset_token(
    id: TokenId,  # noqa: A002 - the documented name
    services: ServicesOf,
    caller: CallerOf,
    expiry: Annotated[
        Int64 | None,
        Query(
            ge=0,
            le=MAX_SAFE_INTEGER,
            description="Until when the old secret also works, in Unix milliseconds; without it, "
            "the old secret stops working now.",
        ),
    ] = None,
    body: ResetBody | None = None,
) -> Response:
    """Reset the secret of an access token; the old one stops working now, or at ``expiry``."""
    if expiry is None and body is not None:
        expiry = body.expiry
    keep = expiry if expiry is not None and expiry > services.clock() else None
    made = services.store().access_tokens.reset(id, keep)
    services.token_directory.invalidate()
    _log.info("token.reset", token=id, by=caller.token_id)
    _record(services, caller, "resetAccessToken", "reset the secret of", after=made[0])
    return _with_secret(made, 200)


def _patch(
    services: Services, token_id: str, operations: list[object]
) -> tuple[AccessToken, AccessToken]:
    """Patch a token; return it as it was and as it is."""
    tokens = services.store().access_tokens

    def attempt() -> tuple[AccessToken, AccessToken]:
        current = tokens.get(token_id)
        fields = _patch_fields(current, operations)
        wanted = dataclasses.replace(
            current,
            name=fields.name,
            description=fields.description,
            role=fields.role_name,
            grants=fields.grants,
            expires_ms=fields.expiry,
            details={**current.details, "defaultApiVersion": fields.api_version},
        )
        if patchable_fields(wanted) == patchable_fields(current):
            return current, current
        changed = tokens.update(current, wanted)
        services.token_directory.invalidate()
        return current, changed

    return retry_on_change(f"access token {token_id}", attempt)


def _patch_fields(current: AccessToken, operations: list[object]) -> TokenFields:
    try:
        return TokenFields.model_validate(
            apply_json_patch(patchable_fields(current), operations, TOKEN)
        )
    except ValidationError as exc:
        raise patch_refusal(exc, operations) from exc


def _record(
    services: Services,
    caller: Caller,
    action: str,
    verb: str,
    before: AccessToken | None = None,
    after: AccessToken | None = None,
    comment: str | None = None,
) -> None:
    token = after or before
    assert token is not None  # noqa: S101 - a change has one side at least
    audit(
        services,
        caller,
        None,
        action=action,
        kind="token",
        resource=f"service-token/{token.id}",
        name=token.name or token.id,
        verb=verb,
        comment=comment,
        before=None if before is None else _summary(before),
        after=None if after is None else _summary(after),
    )


def _summary(token: AccessToken) -> dict[str, object]:
    """What an audit entry says about a token: neither its secret nor the digest."""
    return {
        "name": token.name,
        "role": token.role,
        "resources": [format_grant(grant) for grant in token.grants],
        "expiry": token.expires_ms,
    }


def _with_secret(made: tuple[AccessToken, str], status: int) -> Response:
    answer = json_response(represent_token(*made), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
