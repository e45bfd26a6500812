"""SDK keys of an environment on the wire; LaunchDarkly has no such resource."""

from typing import Annotated, Final, Self

from pydantic import Field

from api.bodies.models import Flag, Int64, StrictBody, WireModel
from api.launchdarkly.wire.links import Links, environments_path, link
from worker.store import EnvironmentRef, SdkKey

_LONGEST: Final = 128
_TEXT: Final = r"^[^\x00-\x1f\x7f]*$"


def sdk_keys_path(env: EnvironmentRef) -> str:
    """Where the SDK keys of an environment are."""
    return f"{environments_path(env.project)}/{env.environment}/sdk-keys"


class NewEnvironmentSdkKey(StrictBody):
    """A new SDK key."""

    label: Annotated[str | None, Field(max_length=_LONGEST, pattern=_TEXT)] = None
    """What it is for."""
    relay: Flag = False
    """Whether it is for a Relay Proxy, and not for an SDK."""


class EnvironmentSdkKey(WireModel):
    """An SDK key; `key` is whole only in the answer that creates it."""

    id: str = Field(alias="_id")
    key: str
    label: str | None = None
    relay: bool
    """Whether it is for a Relay Proxy: those know big segments by other generations than SDKs."""
    own: bool
    """Whether the environment shows it as its `apiKey`, or did before it was reset."""
    creation_date: Int64
    created_by: str
    """Id of an access token."""
    expiry: Int64 | None = None
    """When it stops being valid, Unix milliseconds."""
    links: Links = Field(alias="_links")

    @classmethod
    def of(cls, env: EnvironmentRef, key: SdkKey, secret: str | None = None) -> Self:
        """Represent a key, with the secret if it has just been created."""
        return cls(
            id=key.id,
            key=secret or key.masked,
            label=key.label,
            relay=key.relay,
            own=key.own,
            creation_date=key.created_ms,
            created_by=key.created_by,
            expiry=key.expires_ms,
            links={
                "parent": link(f"{environments_path(env.project)}/{env.environment}"),
                "self": link(f"{sdk_keys_path(env)}/{key.id}"),
            },
        )


class EnvironmentSdkKeys(WireModel):
    """The SDK keys of an environment."""

    items: list[EnvironmentSdkKey]
    links: Links = Field(alias="_links")
