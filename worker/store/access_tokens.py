"""Access tokens: created, changed, revoked, and read by every process that checks them.

All are in one hash, so one command reads a consistent state of all. A secret is never stored,
only its SHA-256: it is random, so there is nothing to guess and no need for salt.
"""

import dataclasses
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from worker.store.errors import ResourceChanged, TokenNotFound, TooManyTokens, UnreadableRecord
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Every process holds all of them in memory, mostly under 2 KiB each.
MOST_TOKENS: Final = 10_000
#: Fields read in one step; a token has two.
_PAGE: Final = 500
#: Tries to read them as of one moment.
_TRIES: Final = 3

RoleName = Literal["reader", "writer", "admin"]

#: The form of every secret, by which people recognise access tokens.
_SECRET: Final = re.compile(rb"api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_ID_LENGTH: Final = 24
_ENDING: Final = 4
_CHANGED: Final = "changed"
_TOKEN: Final = b"token:"
_USED: Final = b"used:"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token gives access to: globs of project, environment and segment keys.

    ``*`` is any run of characters and ``?`` any single one; all three globs must match.
    """

    project: str = "*"
    environment: str = "*"
    segment: str = "*"


@dataclass(frozen=True, slots=True)
class NewToken:
    """The content of a new token."""

    name: str
    role: RoleName
    created_by: str
    """Id of the token that created it."""
    description: str = ""
    grants: tuple[Grant, ...] = ()
    """Any one of them gives access; without any, the token has access to everything."""
    expires_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON that a dialect keeps with it; the store never reads it."""


@stored
@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token without its secret."""

    id: str
    name: str
    role: RoleName
    digest: str = field(repr=False)
    """SHA-256 of the secret, in hexadecimal digits."""
    ending: str
    """The secret's last four characters, by which people recognise it."""
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
    """When it was last used, to about a minute; ``None`` if never."""


_CODEC: Final = RecordCodec(AccessToken, outside=["id", "used_ms"])


@dataclass(frozen=True, slots=True)
class TokenSet:
    """All tokens, as of one moment unless one was changed while they were read."""

    changed: str | None
    """A different text after every change; ``None`` in a store that has never had a token, or if
    one was changed while they were read."""
    tokens: tuple[AccessToken, ...]
    """Newest first."""
    unreadable: tuple[str, ...] = ()
    """Ids of those whose record this release cannot read."""


class AccessTokenStore:
    """The access tokens under one prefix. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._key = database.keys.access_tokens()

    def create(self, new: NewToken) -> tuple[AccessToken, str]:
        """Create a token. Only this and :meth:`reset` ever return its secret.

        Cost: two round trips.

        Raises:
            TooManyTokens: the store has its maximum of tokens.
        """
        if len(self.read().tokens) >= MOST_TOKENS:
            raise TooManyTokens(f"there are {MOST_TOKENS:,} access tokens; revoke some first")
        secret, now_ms = self._new_secret(), self._db.now_ms()
        token = AccessToken(
            id=self._db.random_name()[:_ID_LENGTH],
            name=new.name,
            role=new.role,
            digest=digest_of(secret),
            ending=secret[-_ENDING:],
            created_ms=now_ms,
            modified_ms=now_ms,
            created_by=new.created_by,
            description=new.description,
            grants=new.grants,
            expires_ms=new.expires_ms,
            details=new.details,
        )
        self._put(token, b"")
        return token, secret

    def read(self) -> TokenSet:
        """All tokens. Cost: two round trips, and one more for each 250 tokens.

        They are read again, a few times, if one was changed meanwhile.
        """
        changed = self._read_mark()
        for _ in range(_TRIES):
            before, found = changed, self._scan()
            changed = self._read_mark()
            if changed == before:
                break
        else:
            changed = None
        tokens, unreadable = [], []
        for token_id in [name[len(_TOKEN) :] for name in found if name.startswith(_TOKEN)]:
            try:
                used = found.get(_USED + token_id)
                tokens.append(_decode(token_id.decode(), found[_TOKEN + token_id], used))
            except UnreadableRecord:  # one bad record must not lock out all others
                unreadable.append(token_id.decode())
        tokens.sort(key=lambda token: (-token.created_ms, token.id))
        return TokenSet(changed, tuple(tokens), tuple(unreadable))

    def _scan(self) -> dict[bytes, bytes]:
        """All fields, page by page: one long reply would hold up the server."""
        cursor, found = 0, dict[bytes, bytes]()
        with driver_errors("read the access tokens"):
            while True:
                cursor, page = self._db.client.hscan(self._key, cursor, count=_PAGE)
                found |= page
                if not cursor:
                    return found

    def changed(self) -> str | None:
        """What :attr:`TokenSet.changed` is now. Cost: one round trip."""
        return self._read_mark()

    def _read_mark(self) -> str | None:
        with driver_errors("check whether access tokens were changed"):
            changed = self._db.client.hget(self._key, _CHANGED)
        return None if changed is None else changed.decode()

    def get(self, token_id: str) -> AccessToken:
        """Read one token. Cost: one round trip.

        Raises:
            TokenNotFound: no such token.
            UnreadableRecord: its record is damaged, or of another release.
        """
        with driver_errors(f"read access token {token_id}"):
            text, used = self._db.client.hmget(self._key, [f"token:{token_id}", f"used:{token_id}"])
        if text is None:
            raise _not_found(token_id)
        return _decode(token_id, text, used)

    def update(self, current: AccessToken, changed: AccessToken) -> AccessToken:
        """Change a token that is still as it was read. Cost: two round trips.

        Raises:
            TokenNotFound: it was revoked.
            ResourceChanged: it was changed since; nothing was written. A retry after a lost
                answer may find its own change.
        """
        with driver_errors(f"read access token {current.id}"):
            text = self._db.client.hget(self._key, f"token:{current.id}")
        if text is None:
            raise _not_found(current.id)
        if _decode(current.id, text, None) != current:
            raise _changed(current.id)
        token = dataclasses.replace(changed, modified_ms=self._db.now_ms())
        self._put(token, text)
        return token

    def reset(self, token_id: str, old_expires_ms: int | None) -> tuple[AccessToken, str]:
        """Give a token a new secret.

        Args:
            token_id: of the token.
            old_expires_ms: until when the old secret keeps working; ``None`` ends it now.

        Raises:
            TokenNotFound: or ResourceChanged, as :meth:`update`.
        """
        current, secret = self.get(token_id), self._new_secret()
        changed = dataclasses.replace(
            current,
            digest=digest_of(secret),
            ending=secret[-_ENDING:],
            old_digest=None if old_expires_ms is None else current.digest,
            old_expires_ms=old_expires_ms,
        )
        return self.update(current, changed), secret

    def revoke(self, token_id: str) -> None:
        """End a token; works on a server out of memory too. Cost: one round trip.

        Raises:
            TokenNotFound: no such token, or a retry after a lost answer.
        """
        arguments = (self._db.random_name(), f"token:{token_id}", f"used:{token_id}")
        if not self._db.run(
            f"revoke access token {token_id}", "token/revoke", [self._key], arguments
        ):
            raise _not_found(token_id)

    def note_used(self, used_ms: Mapping[str, int]) -> None:
        """Note when tokens were last used, by their ids. Safe to repeat."""
        if used_ms:
            arguments = [part for pair in used_ms.items() for part in pair]
            self._db.run(
                "note when access tokens were used", "token/note_used", [self._key], arguments
            )

    def _put(self, token: AccessToken, expected: bytes) -> None:
        field = f"token:{token.id}"
        arguments = (field, expected, _CODEC.encode(token), self._db.random_name())
        if not self._db.run(f"write access token {token.id}", "token/put", [self._key], arguments):
            raise _changed(token.id)

    def _new_secret(self) -> str:
        # All 128 bits are random: a UUID's version and variant are not set.
        return f"api-{uuid.UUID(hex=self._db.random_name())}"


def may_be_secret(text: bytes) -> bool:
    """Whether a text has the form of a secret; no other text needs a look-up."""
    return _SECRET.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _decode(token_id: str, text: bytes, used: bytes | None) -> AccessToken:
    return _CODEC.decode(text, f"access token {token_id}", id=token_id, used_ms=used)


def _not_found(token_id: str) -> TokenNotFound:
    return TokenNotFound(f"access token {token_id[:64]} does not exist")


def _changed(token_id: str) -> ResourceChanged:
    return ResourceChanged(f"access token {token_id} was changed at the same time")
