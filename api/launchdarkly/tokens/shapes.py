"""Access tokens as LaunchDarkly's clients see them.

Source: the models ``Token`` and ``Tokens`` of LaunchDarkly's Python client. There are no
members here: a token belongs to whichever token made it.
"""

from typing import Annotated, Literal, get_args

from pydantic import Field

from api.bodies.models import Int32, Int64, WireModel
from api.launchdarkly.tokens.bodies import api_version_of, inline_role, shown_role
from api.launchdarkly.wire.links import PREFIX, Links, link
from worker.store import AccessToken, RoleName

TOKENS_PATH = f"{PREFIX}/tokens"
#: A token is stored as text; another release may know more roles.
ShownRole = Annotated[str, Field(json_schema_extra={"enum": list(get_args(RoleName))})]


class ShownStatement(WireModel):
    """A scope."""

    effect: Literal["allow"]
    actions: list[str]
    resources: list[str]


class TokenRepresentation(WireModel):
    """One token."""

    id: str = Field(alias="_id")
    owner_id: str
    member_id: str
    name: str
    description: str | None = None
    creation_date: Int64
    last_modified: Int64
    role: ShownRole | None = None
    """Left out where an inline role says it all: that is a writer's."""
    inline_role: list[ShownStatement] | None = None
    token: str
    """The whole secret when it is made or reset, else its last four characters."""
    service_token: bool
    links: Links = Field(alias="_links")
    default_api_version: Int32
    last_used: Int64 | None = None
    expiry: Int64 | None = None


class TokenPage(WireModel):
    """A page of tokens."""

    items: list[TokenRepresentation]
    links: Links = Field(alias="_links")
    total_count: Int32


def token_shape(token: AccessToken, secret: str | None = None) -> TokenRepresentation:
    """A token's representation.

    Args:
        token: which.
        secret: only in the answer to the request that made it.
    """
    statements = [
        ShownStatement(effect=one.effect, actions=one.actions, resources=one.resources)
        for one in inline_role(token.grants)
    ]
    return TokenRepresentation(
        id=token.id,
        owner_id=token.created_by,
        member_id=token.created_by,
        name=token.name,
        description=token.description or None,
        creation_date=token.created_ms,
        last_modified=token.modified_ms,
        role=shown_role(token),
        inline_role=statements or None,
        token=secret or token.ending,
        service_token=bool(token.details.get("serviceToken")),
        links={
            "self": link(f"{TOKENS_PATH}/{token.id}"),
            "parent": link(TOKENS_PATH),
        },
        default_api_version=api_version_of(token),
        last_used=token.used_ms,
        expiry=token.expires_ms,
    )
