"""Access tokens: made, changed, revoked, and read whole by every process that checks them.

All are in one hash, so one command reads all as of one moment. A secret is never stored,
only its SHA-256: it is random, so there is nothing to guess and no need for salt.
"""

import dataclasses
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.store.errors import StoreUnavailable, TokenChanged, TokenNotFound, TooManyTokens
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.tokens.records import AccessToken, NewToken, decode, encode

#: Every process holds all of them in memory, mostly under 2 KiB each.
MOST_TOKENS: Final = 10_000

#: What every secret looks like; the form that people know access tokens by.
_SECRET: Final = re.compile(rb"api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_ID_LENGTH: Final = 24
_SHOWN: Final = 4
_CHANGED: Final = "changed"
_TOKEN: Final = b"token:"
_USED: Final = b"used:"


@dataclass(frozen=True, slots=True)
class TokenSet:
    """All tokens as of one moment."""

    changed: str | None
    """Another text after every change; ``None`` in a store that has never had a token."""
    tokens: tuple[AccessToken, ...]
    """Newest first."""
    unreadable: tuple[str, ...] = ()
    """Ids of those that another release wrote in a form that this one cannot read."""


class AccessTokenStore:
    """Who may call, under one prefix. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._key = database.keys.access_tokens()

    def create(self, new: NewToken) -> tuple[AccessToken, str]:
        """Make a token; the only time, but for :meth:`reset`, that its secret is seen.

        Cost: two round trips.

        Raises:
            TooManyTokens: there are as many as a store may have.
        """
        if len(self.read().tokens) >= MOST_TOKENS:
            raise TooManyTokens(f"there are {MOST_TOKENS:,} access tokens; revoke some first")
        secret, now_ms = self._new_secret(), self._db.now_ms()
        token = AccessToken(
            id=self._db.random_name()[:_ID_LENGTH],
            name=new.name,
            role=new.role,
            digest=digest_of(secret),
            ending=secret[-_SHOWN:],
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
        """All tokens. Cost: one round trip."""
        with driver_errors("read the access tokens"):
            found = self._db.client.hgetall(self._key)
        tokens, unreadable = [], []
        for token_id in [name[len(_TOKEN) :] for name in found if name.startswith(_TOKEN)]:
            try:
                used = found.get(_USED + token_id)
                tokens.append(decode(token_id.decode(), found[_TOKEN + token_id], used))
            except StoreUnavailable:  # one bad record must not lock out all others
                unreadable.append(token_id.decode())
        tokens.sort(key=lambda one: (-one.created_ms, one.id))
        changed = found.get(_CHANGED.encode())
        mark = None if changed is None else changed.decode()
        return TokenSet(mark, tuple(tokens), tuple(unreadable))

    def changed(self) -> str | None:
        """What :attr:`TokenSet.changed` is now. Cost: one round trip."""
        with driver_errors("ask whether access tokens were changed"):
            changed = self._db.client.hget(self._key, _CHANGED)
        return None if changed is None else changed.decode()

    def get(self, token_id: str) -> AccessToken:
        """Read one token. Cost: one round trip.

        Raises:
            TokenNotFound: no such token.
        """
        with driver_errors(f"read access token {token_id}"):
            text, used = self._db.client.hmget(self._key, [f"token:{token_id}", f"used:{token_id}"])
        if text is None:
            raise TokenNotFound(f"access token {token_id} does not exist")
        return decode(token_id, text, used)

    def update(self, current: AccessToken, changed: AccessToken) -> AccessToken:
        """Change a token that is still as it was read. Cost: two round trips.

        Raises:
            TokenNotFound: it was revoked.
            TokenChanged: somebody else has changed it; nothing was written. Also what a retry
                after a lost answer may find.
        """
        with driver_errors(f"read access token {current.id}"):
            text = self._db.client.hget(self._key, f"token:{current.id}")
        if text is None:
            raise TokenNotFound(f"access token {current.id} does not exist")
        if decode(current.id, text, None) != current:
            raise TokenChanged(f"access token {current.id} was changed at the same time")
        token = dataclasses.replace(changed, modified_ms=self._db.now_ms())
        self._put(token, text)
        return token

    def reset(self, token_id: str, old_expires_ms: int | None) -> tuple[AccessToken, str]:
        """Give a token another secret.

        Args:
            token_id: which.
            old_expires_ms: until when the old secret works too; ``None``: it ends now.

        Raises:
            TokenNotFound: or TokenChanged: as :meth:`update`.
        """
        current, secret = self.get(token_id), self._new_secret()
        changed = dataclasses.replace(
            current,
            digest=digest_of(secret),
            ending=secret[-_SHOWN:],
            old_digest=None if old_expires_ms is None else current.digest,
            old_expires_ms=old_expires_ms,
        )
        return self.update(current, changed), secret

    def revoke(self, token_id: str) -> None:
        """End a token; works on a server out of memory too. Cost: one round trip.

        Raises:
            TokenNotFound: no such token, or a retry after a lost answer.
        """
        what, arguments = f"revoke access token {token_id}", (token_id, self._db.random_name())
        if not self._db.run(what, "token/revoke", [self._key], arguments):
            raise TokenNotFound(f"access token {token_id} does not exist")

    def note_used(self, used_ms: Mapping[str, int]) -> None:
        """Note when tokens were last used, by their ids. Safe to repeat."""
        if used_ms:
            arguments = [part for one in used_ms.items() for part in one]
            self._db.run(
                "note when access tokens were used", "token/note_used", [self._key], arguments
            )

    def _put(self, token: AccessToken, expected: bytes) -> None:
        arguments = (token.id, expected, encode(token), self._db.random_name())
        if not self._db.run(f"write access token {token.id}", "token/put", [self._key], arguments):
            raise TokenChanged(f"access token {token.id} was changed at the same time")

    def _new_secret(self) -> str:
        # All 128 bits: not a UUID's version and variant in their midst.
        return f"api-{uuid.UUID(hex=self._db.random_name())}"


def may_be_secret(text: bytes) -> bool:
    """Whether a text has the form of a secret; what has not need not be looked for."""
    return _SECRET.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
