"""Who is calling: what every token may know about itself.

Source: the model ``CallerIdentityRep`` of LaunchDarkly's clients; ``ldcli whoami`` shows it.
Fields of other kinds of callers (an SDK key's environment, an OAuth client) are never there.
"""

from typing import Literal

from fastapi import APIRouter, Response

from api.access.auth import ADMIN_TOKEN_ID
from api.bodies.models import Int64, WireModel, json_response
from api.launchdarkly.wire.links import PREFIX
from api.services.services import CallerOf, ServicesOf


class CallerIdentity(WireModel):
    """An access token."""

    auth_kind: Literal["token"] = "token"
    token_name: str
    token_id: str
    member_id: str
    """The token that made it, as in its ``memberId``: there are no members here."""
    service_token: bool
    expires_at: Int64 | None = None
    """Unix milliseconds."""


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(tags=["Access tokens"])
    routes.get(
        f"{PREFIX}/caller-identity", operation_id="getCallerIdentity", response_model=CallerIdentity
    )(get_caller_identity)
    return routes


def get_caller_identity(services: ServicesOf, caller: CallerOf) -> Response:
    """Ask which access token a request is sent with."""
    if caller.token_id == ADMIN_TOKEN_ID:  # of the settings: no store is asked
        return json_response(
            CallerIdentity(
                token_name=caller.name,
                token_id=caller.token_id,
                member_id=caller.token_id,
                service_token=True,
            )
        )
    token = services.store().access_tokens.get(caller.token_id)
    return json_response(
        CallerIdentity(
            token_name=caller.name,
            token_id=token.id,
            member_id=token.created_by,
            service_token=bool(token.details.get("serviceToken")),
            expires_at=token.expires_ms,
        )
    )
