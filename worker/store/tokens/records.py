"""Access tokens as values, and as the JSON that is stored."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from worker.store.errors import StoreUnavailable

RoleName = Literal["reader", "writer", "admin"]

_UNSTORED: Final = ("id", "used_ms")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is for: globs of project, environment and segment keys.

    ``*`` is any run of characters and ``?`` any one; all three must match.
    """

    project: str = "*"
    environment: str = "*"
    segment: str = "*"


@dataclass(frozen=True, slots=True)
class NewToken:
    """What creates a token."""

    name: str
    role: RoleName
    created_by: str
    """Id of the token that asked for it."""
    description: str = ""
    grants: tuple[Grant, ...] = ()
    """Any of them lets in; none at all means no bounds."""
    expires_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON that a dialect keeps with it; the store never reads it."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token without its secret."""

    id: str
    name: str
    role: RoleName
    digest: str = field(repr=False)
    """SHA-256 of the secret, in hexadecimal digits."""
    ending: str
    """The secret's last four characters, for people to tell tokens apart."""
    created_ms: int
    modified_ms: int
    created_by: str
    description: str = ""
    grants: tuple[Grant, ...] = ()
    expires_ms: int | None = None
    old_digest: str | None = field(default=None, repr=False)
    """Of the secret before the last reset; it works until ``old_expires_ms``."""
    old_expires_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    used_ms: int | None = field(default=None, compare=False)
    """When it was last used, to about a minute; ``None``: never."""


def encode(token: AccessToken) -> str:
    """The stored form."""
    fields = dataclasses.asdict(token)
    for name in _UNSTORED:
        del fields[name]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def decode(token_id: str, text: bytes, used: bytes | None) -> AccessToken:
    """Read the stored form.

    Raises:
        StoreUnavailable: it was written by another release.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        fields["grants"] = tuple(Grant(**one) for one in fields["grants"])
        used_ms = None if used is None else int(used)
        return AccessToken(id=token_id, used_ms=used_ms, **fields)
    except (ValueError, TypeError, KeyError) as exc:
        message = f"the record of access token {token_id} is not readable by this release"
        raise StoreUnavailable(message) from exc
