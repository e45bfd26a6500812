"""Access tokens: bodies, their meaning for the store, and representations.

Custom roles are not supported. An inline role is: one statement that allows every action on some
segments is the token's scope, within which its role applies. There are no members: a token belongs
to the token that created it.
Source: the models ``AccessTokenPost``, ``StatementPost``, ``Token`` and ``Tokens`` of
LaunchDarkly's Python client.
"""

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Field

from api.access.scope import MOST_GRANTS
from api.bodies.models import MAX_SAFE_INTEGER, Flag, Int32, Int64, StrictBody, WireModel, null_is
from api.errors import InvalidRequest
from api.launchdarkly.wire.links import PREFIX, Links, link
from api.launchdarkly.wire.specifiers import GRANT_PATTERN, format_grant, parse_grant
from worker.store import AccessToken, Grant, NewToken, RoleName

TOKENS_PATH: Final = f"{PREFIX}/tokens"

_ANY_ACTION: Final = ["*"]
#: The newest version of LaunchDarkly's API, for a token with none, or 0 as Go clients send. Every
#: version is answered alike here.
_NEWEST_API_VERSION: Final = 20_240_415
#: The role of a token that has an inline role and no other.
_IMPLIED_ROLE: Final = "writer"


def _require_specifiers(resources: list[str]) -> list[str]:
    for resource in resources:
        parse_grant(resource)
    return resources


def _require_all_actions(actions: list[str]) -> list[str]:
    if actions != _ANY_ACTION:
        message = 'only ["*"] is understood; what a token may do is said by its role'
        raise ValueError(message)
    return actions


def _require_no_custom_roles(ids: list[Any]) -> list[Any]:
    if ids:
        message = "custom roles are not understood; use role, with inlineRole for a scope"
        raise ValueError(message)
    return ids


NothingElse = Annotated[list[str], null_is([]), Field(max_length=0)]


class Statement(StrictBody):
    """A scope in LaunchDarkly's words."""

    effect: Literal["allow"]
    actions: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": [*_ANY_ACTION]})]],
        AfterValidator(_require_all_actions),
        Field(json_schema_extra={"minItems": 1, "maxItems": 1}),
    ]
    resources: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": GRANT_PATTERN})]],
        Field(min_length=1, max_length=MOST_GRANTS),
        AfterValidator(_require_specifiers),
    ]
    not_actions: NothingElse = Field(default_factory=list)
    not_resources: NothingElse = Field(default_factory=list)


class TokenFields(StrictBody):
    """Everything in a token that can be changed."""

    name: Annotated[str, null_is(""), Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    description: Annotated[str, null_is(""), Field(max_length=2_000)] = ""
    role: RoleName | None = None
    custom_role_ids: Annotated[
        list[Any],
        null_is([]),
        AfterValidator(_require_no_custom_roles),
        Field(json_schema_extra={"maxItems": 0}),
    ] = Field(default_factory=list)
    inline_role: Annotated[list[Statement], null_is([]), Field(max_length=1)] = Field(
        default_factory=list
    )
    default_api_version: Annotated[Int32 | None, Field(strict=True, ge=0, le=99_991_231)] = None
    expiry: Annotated[Int64 | None, Field(strict=True, ge=1, le=MAX_SAFE_INTEGER)] = None
    """Unix milliseconds."""

    @property
    def role_name(self) -> RoleName:
        """The role, or the implied one: an inline role allows every action."""
        return self.role or (_IMPLIED_ROLE if self.inline_role else "reader")

    @property
    def api_version(self) -> int:
        """The version of LaunchDarkly's API; the newest if none is given."""
        return self.default_api_version or _NEWEST_API_VERSION

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The scope."""
        return tuple(parse_grant(text) for role in self.inline_role for text in role.resources)


class NewTokenBody(TokenFields):
    """A new token."""

    service_token: Flag = False

    def new_token(self, created_by: str, now_ms: int) -> NewToken:
        """The token to be created.

        Raises:
            InvalidRequest: it has expired already.
        """
        if self.expiry is not None and self.expiry <= now_ms:
            raise InvalidRequest("expiry: is in the past; it is Unix time in milliseconds")
        return NewToken(
            name=self.name,
            role=self.role_name,
            created_by=created_by,
            description=self.description,
            grants=self.grants,
            expires_ms=self.expiry,
            details={
                "serviceToken": self.service_token,
                "defaultApiVersion": self.api_version,
            },
        )


class ResetBody(StrictBody):
    """The body of a reset, for clients that send the time there and not in the query.

    Source: Terraform's provider 2.x.
    """

    expiry: Annotated[Int64 | None, Field(strict=True, ge=0, le=MAX_SAFE_INTEGER)] = None
    """Unix milliseconds."""


#: A token is stored as text; another release may know more roles.
RoleText = Annotated[str, Field(json_schema_extra={"enum": list(get_args(RoleName))})]


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
    role: RoleText | None = None
    """Left out for a writer with an inline role, which implies it."""
    inline_role: list[ShownStatement] | None = None
    token: str
    """The whole secret when it is created or reset; otherwise its last four characters."""
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


def represent_token(token: AccessToken, secret: str | None = None) -> TokenRepresentation:
    """Make a token's representation.

    Args:
        token: the token.
        secret: only in the answer to the request that created it.
    """
    # LaunchDarkly's tokens have a role or an inline role, and Terraform's provider would forever
    # plan to remove a role that it did not send with an inline role.
    implied = token.grants and token.role == _IMPLIED_ROLE
    return TokenRepresentation(
        id=token.id,
        owner_id=token.created_by,
        member_id=token.created_by,
        name=token.name,
        description=token.description or None,
        creation_date=token.created_ms,
        last_modified=token.modified_ms,
        role=None if implied else token.role,
        inline_role=_inline_role(token) or None,
        token=secret or token.ending,
        service_token=bool(token.details.get("serviceToken")),
        links={
            "self": link(f"{TOKENS_PATH}/{token.id}"),
            "parent": link(TOKENS_PATH),
        },
        default_api_version=_api_version(token),
        last_used=token.used_ms,
        expiry=token.expires_ms,
    )


def patchable_fields(token: AccessToken) -> dict[str, Any]:
    """A token as patches see it: every field that can be changed, even without a value."""
    return {
        "name": token.name,
        "description": token.description,
        "role": token.role,
        "customRoleIds": [],
        "inlineRole": [statement.model_dump() for statement in _inline_role(token)],
        "defaultApiVersion": _api_version(token),
        "expiry": token.expires_ms,
    }


def _inline_role(token: AccessToken) -> list[ShownStatement]:
    """The scope as a statement; none for a token without bounds."""
    if not token.grants:
        return []
    resources = [format_grant(grant) for grant in token.grants]
    return [ShownStatement(effect="allow", actions=_ANY_ACTION, resources=resources)]


def _api_version(token: AccessToken) -> int:
    version: int | None = token.details.get("defaultApiVersion")
    return version or _NEWEST_API_VERSION
