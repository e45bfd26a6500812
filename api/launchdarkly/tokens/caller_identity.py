"""Who is calling: what a token may know about itself, whatever its role and scope.

Source: the model ``CallerIdentityRep`` of LaunchDarkly's clients; ``ldcli whoami`` shows it.
Fields of other kinds of callers (an SDK key's environment, an OAuth client) are never there.
"""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.access.auth import ADMIN_TOKEN_ID
from api.bodies.integers import Int64
from api.launchdarkly.operations import READ, operation
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.responses import shown
from api.services.services import CallerOf, ServicesOf

router = APIRouter(tags=["Access tokens"])


class CallerIdentity(BaseModel):
    """An access token."""

    authKind: Literal["token"] = "token"  # noqa: N815 - wire name
    tokenName: str  # noqa: N815 - wire name
    tokenId: str  # noqa: N815 - wire name
    memberId: str  # noqa: N815 - wire name
    """The token that made it, as in its ``memberId``: there are no members here."""
    serviceToken: bool  # noqa: N815 - wire name
    expiresAt: Int64 | None = None  # noqa: N815 - wire name
    """Unix milliseconds."""


@router.get(
    f"{PREFIX}/caller-identity", operation_id="getCallerIdentity", response_model=CallerIdentity
)
@operation(needs=READ)
def get_caller_identity(services: ServicesOf, caller: CallerOf) -> Response:
    """Get the access token that the request is sent with."""
    if caller.token_id == ADMIN_TOKEN_ID:  # of the settings: no store is asked
        return shown(_identity(caller.name, caller.token_id, caller.token_id, service=True))
    token = services.store().access_tokens.get(caller.token_id)
    service = bool(token.details.get("serviceToken"))
    identity = _identity(caller.name, token.id, token.created_by, service=service)
    identity.expiresAt = token.expires_ms
    return shown(identity)


def _identity(name: str, token_id: str, member_id: str, *, service: bool) -> CallerIdentity:
    return CallerIdentity(
        tokenName=name, tokenId=token_id, memberId=member_id, serviceToken=service
    )
