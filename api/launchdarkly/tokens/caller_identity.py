"""Who is calling: what every token may read about itself.

Source: the model ``CallerIdentityRep`` of LaunchDarkly's clients; ``ldcli whoami`` shows it.
Fields of other kinds of callers (an SDK key's environment, an OAuth client) are never there.
"""

from typing import Literal

from fastapi import APIRouter, Response

from api.access.auth import ADMIN_TOKEN_ID
from api.bodies.models import Int64, WireModel, json_response
from api.launchdarkly.wire.links import PREFIX
from api.rest.operations import READ, operation
from api.services.services import CallerOf, ServicesOf

router = APIRouter(tags=["Access tokens"])


class CallerIdentity(WireModel):
    """An access token."""

    auth_kind: Literal["token"] = "token"
    token_name: str
    token_id: str
    member_id: str
    """The token that created it, as in its ``memberId``: there are no members here."""
    service_token: bool
    expires_at: Int64 | None = None
    """Unix milliseconds."""


@router.get(
    f"{PREFIX}/caller-identity", operation_id="getCallerIdentity", response_model=CallerIdentity
)
@operation(needs=READ)
def get_caller_identity(services: ServicesOf, caller: CallerOf) -> Response:
    """Get the access token that the request is sent with."""
    if caller.token_id == ADMIN_TOKEN_ID:  # defined by the settings, not stored
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
