"""Access tokens as LaunchDarkly's clients see them.

Source: the models ``Token`` and ``Tokens`` of LaunchDarkly's Python client. There are no
members here: a token belongs to whichever token made it.
"""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from api.bodies.models import Int32, Int64
from api.launchdarkly.segments.representation import Links
from api.launchdarkly.tokens.bodies import api_version_of, inline_role, shown_role
from api.launchdarkly.wire.links import PREFIX, link
from worker.store import AccessToken, RoleName

TOKENS_PATH = f"{PREFIX}/tokens"
#: A token is stored as text; another release may know more roles.
ShownRole = Annotated[str, Field(json_schema_extra={"enum": list(get_args(RoleName))})]


class ShownStatement(BaseModel):
    """A scope."""

    effect: Literal["allow"]
    actions: list[str]
    resources: list[str]


class TokenRepresentation(BaseModel):
    """One token."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    id: str = Field(alias="_id")
    ownerId: str  # noqa: N815 - wire name
    memberId: str  # noqa: N815 - wire name
    name: str
    description: str | None = None
    creationDate: Int64  # noqa: N815 - wire name
    lastModified: Int64  # noqa: N815 - wire name
    role: ShownRole | None = None
    """Left out where an inline role says it all: that is a writer's."""
    inlineRole: list[ShownStatement] | None = None  # noqa: N815 - wire name
    token: str
    """The whole secret when it is made or reset, else its last four characters."""
    serviceToken: bool  # noqa: N815 - wire name
    links: Links = Field(alias="_links")
    defaultApiVersion: Int32  # noqa: N815 - wire name
    lastUsed: Int64 | None = None  # noqa: N815 - wire name
    expiry: Int64 | None = None


class TokenPage(BaseModel):
    """A page of tokens."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    items: list[TokenRepresentation]
    links: Links = Field(alias="_links")
    totalCount: Int32  # noqa: N815 - wire name


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
        ownerId=token.created_by,
        memberId=token.created_by,
        name=token.name,
        description=token.description or None,
        creationDate=token.created_ms,
        lastModified=token.modified_ms,
        role=shown_role(token),
        inlineRole=statements or None,
        token=secret or token.ending,
        serviceToken=bool(token.details.get("serviceToken")),
        links={
            "self": link(f"{TOKENS_PATH}/{token.id}"),
            "parent": link(TOKENS_PATH),
        },
        defaultApiVersion=api_version_of(token),
        lastUsed=token.used_ms,
        expiry=token.expires_ms,
    )
