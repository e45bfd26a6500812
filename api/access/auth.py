"""Who may call: the admin token of the settings, the store's access tokens, and its SDK keys.

An SDK key is accepted by the paths that ask for one, and by no other; those accept nothing else.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from pydantic import SecretStr

from api.access.scope import EVERYTHING, AccessScope
from api.errors import Unauthorized
from worker.store import SdkKey, StoreUnavailable, may_be_sdk_key, may_be_secret

#: What the token of the settings is called where others have an id.
ADMIN_TOKEN_ID: Final = "admin"  # noqa: S105 - an id, no secret

_BEARER: Final = b"bearer "
#: How an access token begins that is written with ``_`` for ``-``: Vercel's command line takes no
#: token with another character than letters, digits and ``_``.
_UNDERSCORED: Final = b"api_"


class Role(IntEnum):
    """What a caller may do; each role includes those before it."""

    SDK_KEY = 0
    """Read the datafile of its project; no access token has this role."""
    READER = 1
    WRITER = 2
    ADMIN = 3

    @property
    def wire_name(self) -> str:
        """As callers write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request."""

    name: str
    """Its name in jobs and logs; never the token."""
    token_id: str
    """Identifies the token in limits and in the log of changes; never the token itself."""
    role: Role
    scope: AccessScope
    sdk_key: SdkKey | None = None
    """The SDK key with which it was sent, if not with an access token."""


@dataclass(slots=True)
class Use:
    """When this process last saw a token, and last recorded it in the store; Unix milliseconds."""

    seen_ms: int = 0
    noted_ms: int = 0


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What a valid secret stands for."""

    caller: Caller
    expires_ms: int | None
    use: Use

    def is_over(self, now_ms: int) -> bool:
        """Whether it has expired."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


class TokenSource(Protocol):
    """Where the tokens of the store are found by the SHA-256 of their secret."""

    def find(self, digest: bytes) -> KnownToken | None:
        """Give what is known for certain without waiting; if ``None``, :meth:`ask`."""

    async def ask(self, digest: bytes) -> KnownToken | None:
        """Ask the store; ``None`` if it has no such token.

        Raises:
            StoreUnavailable: it cannot say.
        """

    def last_known(self, digest: bytes) -> KnownToken | None:
        """Return what the store said when it last answered."""


class TokenAuth:
    """Identifies callers by the ``Authorization`` header: the bare token, or ``Bearer`` and it.

    Holds no token, only digests. Cost: about 2 µs a request.
    """

    def __init__(
        self, admin_token: SecretStr | None, tokens: TokenSource, clock: Callable[[], int]
    ) -> None:
        """Take the parts.

        Args:
            admin_token: may do everything; needs no store.
            tokens: all others.
            clock: Unix milliseconds.
        """
        self._admin_digest = (
            None if admin_token is None else _digest(admin_token.get_secret_value().encode())
        )
        self._admin = Caller("admin token", ADMIN_TOKEN_ID, Role.ADMIN, EVERYTHING)
        self._tokens = tokens
        self._clock = clock

    def find(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller | None:
        """Give the sender if that needs no wait and is no refusal; else :meth:`caller` says."""
        for name, value in headers:
            if name == b"authorization":
                digest = _digest(_extract_token(value))
                if self._admin_digest is not None and hmac.compare_digest(
                    digest, self._admin_digest
                ):
                    return self._admin
                known = self._tokens.find(digest)
                if (
                    known is None
                    or known.caller.sdk_key is not None
                    or known.is_over(self._clock())
                ):
                    return None
                return self._use(known)
        return None

    async def caller(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        """Identify who sends these headers.

        Args:
            headers: names in lower case, as ASGI has them.

        Raises:
            Unauthorized: there is no token, or it is not known, or has expired.
            StoreUnavailable: whether the token is valid is not known now. Safe to retry.
        """
        for name, value in headers:
            if name == b"authorization":
                token = _extract_token(value)
                digest = _digest(token)
                if self._admin_digest is not None and hmac.compare_digest(
                    digest, self._admin_digest
                ):
                    return self._admin
                known = self._tokens.find(digest)
                if known is None and may_be_secret(token):
                    known = await self._tokens.ask(digest)
                if may_be_sdk_key(token):
                    raise Unauthorized("an SDK key is for SDKs alone; send an access token")
                return self._accept(known)
        raise Unauthorized("no access token: send it in the Authorization header")

    async def caller_with_sdk_key(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        """Identify who sends these headers with an SDK key.

        Raises:
            Unauthorized: there is no SDK key, or it is not known, or has expired.
            StoreUnavailable: as :meth:`caller`.
        """
        for name, value in headers:
            if name == b"authorization":
                token = _extract_token(value)
                if not may_be_sdk_key(token):
                    raise Unauthorized(
                        "not an SDK key: send one, it begins with vf_server_ or sdk-"
                    )
                digest = _digest(token)
                known = self._tokens.find(digest) or await self._tokens.ask(digest)
                if known is None or known.caller.sdk_key is None:
                    raise Unauthorized("invalid SDK key")
                if known.is_over(self._clock()):
                    raise Unauthorized("invalid SDK key: it has expired")
                return self._use(known)
        raise Unauthorized("no SDK key: send it in the Authorization header")

    async def caller_of_metrics(self, headers: Sequence[tuple[bytes, bytes]]) -> Caller:
        """Identify who asks for metrics, which are needed most while the store does not answer.

        A token is then accepted if it was valid when the store last answered: it may have been
        revoked through another process since, but metrics are only totals.

        Raises:
            Unauthorized: as :meth:`caller`.
            StoreUnavailable: the token was not known then.
        """
        try:
            return await self.caller(headers)
        except StoreUnavailable:
            value = next(value for name, value in headers if name == b"authorization")
            known = self._tokens.last_known(_digest(_extract_token(value)))
            if known is None:
                raise
            return self._accept(known)

    def _accept(self, known: KnownToken | None) -> Caller:
        if known is None:
            raise Unauthorized("invalid access token")
        if known.is_over(self._clock()):
            raise Unauthorized("invalid access token: it has expired")
        return self._use(known)

    def _use(self, known: KnownToken) -> Caller:
        known.use.seen_ms = self._clock()
        return known.caller


def _extract_token(value: bytes) -> bytes:
    # Blanks around a header's value are not part of it (RFC 9110, 5.5); not every server
    # strips the trailing ones.
    value = value.strip(b" \t")
    token = value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else value
    if not token.startswith(_UNDERSCORED):
        return token
    hyphenated = token.replace(b"_", b"-")
    return hyphenated if may_be_secret(hyphenated) else token


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
