"""What clients send about access tokens.

Source: the models ``AccessTokenPost`` and ``StatementPost`` of LaunchDarkly's clients. Its
custom roles are not understood. An inline role is: one statement that allows every action on
some segments is the token's scope, whatever its role may do.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from api.access.scope import MOST_GRANTS
from api.bodies.models import Int32, Int64, StrictBody, null_is
from api.errors import InvalidRequest
from api.launchdarkly.wire.specifiers import GRANT_PATTERN, format_grant, parse_grant
from worker.store import AccessToken, Grant, NewToken, RoleName

_ANY_ACTION: Final = ["*"]
#: LaunchDarkly's newest version of its API: what a token is pinned to that says nothing, or 0
#: as Go clients send it. Here every version is answered alike.
_NEWEST_API_VERSION: Final = 20_240_415
#: What a token may do that has an inline role and no other.
_IMPLIED_ROLE: Final = "writer"
#: What is shown of a statement.
_SHOWN: Final = {"effect", "actions", "resources"}
#: Integers above it are not the same in every client.
_MOST: Final = 2**53 - 1


def _specifiers(resources: list[str]) -> list[str]:
    for one in resources:
        parse_grant(one)
    return resources


def _all_actions(actions: list[str]) -> list[str]:
    if actions != _ANY_ACTION:
        message = 'only ["*"] is understood; what a token may do is said by its role'
        raise ValueError(message)
    return actions


def _no_custom_roles(ids: list[Any]) -> list[Any]:
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
        AfterValidator(_all_actions),
        Field(json_schema_extra={"minItems": 1, "maxItems": 1}),
    ]
    resources: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": GRANT_PATTERN})]],
        Field(min_length=1, max_length=MOST_GRANTS),
        AfterValidator(_specifiers),
    ]
    not_actions: NothingElse = Field(default_factory=list)
    not_resources: NothingElse = Field(default_factory=list)


class TokenFields(StrictBody):
    """All of a token that can be changed."""

    name: Annotated[str, null_is(""), Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    description: Annotated[str, null_is(""), Field(max_length=2_000)] = ""
    role: RoleName | None = None
    custom_role_ids: Annotated[
        list[Any],
        null_is([]),
        AfterValidator(_no_custom_roles),
        Field(json_schema_extra={"maxItems": 0}),
    ] = Field(default_factory=list)
    inline_role: Annotated[list[Statement], null_is([]), Field(max_length=1)] = Field(
        default_factory=list
    )
    default_api_version: Annotated[Int32 | None, Field(strict=True, ge=0, le=99_991_231)] = None
    expiry: Annotated[Int64 | None, Field(strict=True, ge=1, le=_MOST)] = None
    """Unix milliseconds."""

    @property
    def role_name(self) -> RoleName:
        """The role, or what is meant without one: an inline role allows every action."""
        return self.role or (_IMPLIED_ROLE if self.inline_role else "reader")

    @property
    def api_version(self) -> int:
        """The version of LaunchDarkly's API, or the newest one."""
        return self.default_api_version or _NEWEST_API_VERSION

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The scope."""
        return tuple(parse_grant(one) for role in self.inline_role for one in role.resources)


class NewTokenBody(TokenFields):
    """What creates a token."""

    service_token: Annotated[bool, Field(strict=True), null_is(default=False)] = False

    def new_token(self, created_by: str, now_ms: int) -> NewToken:
        """What the store is to make of it.

        Raises:
            InvalidRequest: it would have ended before it began.
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
    """What resets a token, where a client sends the time in a body instead of the query.

    Source: Terraform's provider 2.x does.
    """

    expiry: Annotated[Int64 | None, Field(strict=True, ge=0, le=_MOST)] = None
    """Unix milliseconds."""


def inline_role(grants: tuple[Grant, ...]) -> list[Statement]:
    """A scope as it is written; nothing for one without bounds."""
    if not grants:
        return []
    resources = [format_grant(one) for one in grants]
    return [Statement(effect="allow", actions=_ANY_ACTION, resources=resources)]


def shown_role(token: AccessToken) -> RoleName | None:
    """The role as answers have it: not the one that an inline role without any implies.

    LaunchDarkly's tokens have the one or the other, and Terraform's provider would for ever
    plan to remove a role beside an inline role that it did not send.
    """
    return None if token.grants and token.role == _IMPLIED_ROLE else token.role


def api_version_of(token: AccessToken) -> int:
    """The version of LaunchDarkly's API that a token says it is made for."""
    version: int | None = token.details.get("defaultApiVersion")
    return version or _NEWEST_API_VERSION


def document_of(token: AccessToken) -> dict[str, Any]:
    """A token as patches see it: every field that can be changed, also those without a value."""
    statements = inline_role(token.grants)
    return {
        "name": token.name,
        "description": token.description,
        "role": token.role,
        "customRoleIds": [],
        "inlineRole": [one.model_dump(include=_SHOWN) for one in statements],
        "defaultApiVersion": api_version_of(token),
        "expiry": token.expires_ms,
    }
