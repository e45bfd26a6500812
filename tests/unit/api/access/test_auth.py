"""Who is let in."""

import asyncio
import gc
import hashlib

import pytest
from pydantic import SecretStr

from api.access.auth import Caller, KnownToken, Role, TokenAuth, Use
from api.access.scope import EVERYTHING
from api.errors import Unauthorized
from api.settings import ApiSettings
from worker.store import SdkKey

_TOKEN = "s3cret-token-of-the-test"
_SECRET = b"api-00112233-4455-6677-8899-aabbccddeeff"
_NOW_MS = 1_000


_SDK_KEY = b"vf_server_00112233445566778899aabbccddeeff"


class _Tokens:
    """One token of the store, known only when asked for."""

    def __init__(self, expires_ms: int | None = None) -> None:
        self.use, self.asked = Use(), 0
        self._digest = hashlib.sha256(_SECRET).digest()
        caller = Caller("a token", "id", Role.READER, EVERYTHING)
        self._known = KnownToken(caller, expires_ms, self.use)

    def find(self, digest: bytes) -> KnownToken | None:
        assert len(digest) == 32
        return None

    def last_known(self, digest: bytes) -> KnownToken | None:
        return self.find(digest)

    async def ask(self, digest: bytes) -> KnownToken | None:
        self.asked += 1
        return self._known if digest == self._digest else None


def _caller(
    headers: list[tuple[bytes, bytes]],
    admin_token: SecretStr | None = None,
    tokens: _Tokens | None = None,
) -> Caller:
    auth = TokenAuth(admin_token, tokens or _Tokens(), lambda: _NOW_MS)
    return asyncio.run(auth.caller(headers))


@pytest.mark.parametrize(
    "value", [_TOKEN, f"{_TOKEN} ", f"{_TOKEN} \t ", f"Bearer {_TOKEN}", f"bEARER   {_TOKEN} "]
)
def test_caller__known_token__is_the_admin(value: str) -> None:
    headers = [(b"host", b"h"), (b"authorization", value.encode())]

    caller = _caller(headers, SecretStr(_TOKEN))

    assert (caller.name, caller.token_id, caller.role) == ("admin token", "admin", Role.ADMIN)
    assert caller.scope.is_everything


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", f"{_TOKEN} x".encode())],
        [(b"authorization", f"Token {_TOKEN}".encode())],
        [(b"x-authorization", _TOKEN.encode())],
        [(b"authorization", b"another"), (b"authorization", _TOKEN.encode())],
    ],
)
def test_caller__anything_else__is_unauthorized(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthorized):
        _caller(headers, SecretStr(_TOKEN))


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_caller__no_token_configured__nobody_is_let_in(unset: str | None) -> None:
    settings = ApiSettings.model_validate({"admin_token": unset})
    assert settings.admin_token is None

    for value in (b"", b" ", b"Bearer", b"Bearer ", b"None"):
        with pytest.raises(Unauthorized):
            _caller([(b"authorization", value)], settings.admin_token)


@pytest.mark.parametrize("expires_ms", [None, _NOW_MS + 1])
def test_caller__token_of_the_store__is_let_in_and_seen(expires_ms: int | None) -> None:
    tokens = _Tokens(expires_ms=expires_ms)

    assert _caller([(b"authorization", b"Bearer " + _SECRET)], tokens=tokens).token_id == "id"
    assert tokens.use.seen_ms == _NOW_MS


def test_caller__token_of_the_store_with_underscores__is_the_same() -> None:
    underscored = _SECRET.replace(b"-", b"_")

    assert _caller([(b"authorization", b"Bearer " + underscored)]).token_id == "id"
    admin_token = SecretStr("api_of_the-admin")
    headers = [(b"authorization", b"api_of_the-admin")]
    assert _caller(headers, admin_token).role is Role.ADMIN


@pytest.mark.parametrize("expires_ms", [0, _NOW_MS])
def test_caller__token_that_has_expired__is_unauthorized(expires_ms: int) -> None:
    tokens = _Tokens(expires_ms=expires_ms)

    with pytest.raises(Unauthorized, match="expired"):
        _caller([(b"authorization", _SECRET)], tokens=tokens)
    assert tokens.use.seen_ms == 0


@pytest.mark.parametrize(
    ("token", "asked"),
    [
        (b"", 0),
        (b"api-", 0),
        (_SECRET[:-1], 0),
        (_SECRET + b"0", 0),
        (b"sdk-" + _SECRET[4:], 0),
        (_SECRET.replace(b"ff", b"00"), 1),
    ],
)
def test_caller__token_in_another_form__is_not_looked_for(token: bytes, asked: int) -> None:
    tokens = _Tokens()

    with pytest.raises(Unauthorized):
        _caller([(b"authorization", token)], tokens=tokens)
    assert tokens.asked == asked


def test_auth__once_made__holds_no_token() -> None:
    auth = TokenAuth(SecretStr(_TOKEN), _Tokens(), lambda: _NOW_MS)

    held = gc.get_referents(auth, *gc.get_referents(auth))
    assert _TOKEN not in held
    assert _TOKEN not in repr(vars(auth))


class _SdkKeys(_Tokens):
    """The same, and an SDK key."""

    def find(self, digest: bytes) -> KnownToken | None:
        if digest != hashlib.sha256(_SDK_KEY).digest():
            return super().find(digest)
        key = SdkKey("d", "default", 1, "production", "vf_server_001", 1, "admin")
        caller = Caller("an SDK key", "sdk-key-d", Role.SDK_KEY, EVERYTHING, key)
        return KnownToken(caller, None, Use())


def _headers(token: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + token)]


def test_sdk_key__where_an_access_token_is_asked_for__is_unauthorized() -> None:
    auth = TokenAuth(None, _SdkKeys(), lambda: _NOW_MS)

    assert auth.find(_headers(_SDK_KEY)) is None
    with pytest.raises(Unauthorized, match="is for SDKs alone"):
        asyncio.run(auth.caller(_headers(_SDK_KEY)))
    with pytest.raises(Unauthorized, match="is for SDKs alone"):
        asyncio.run(auth.caller_of_metrics(_headers(_SDK_KEY)))


def test_sdk_key__where_one_is_asked_for__is_the_only_one_let_in() -> None:
    auth = TokenAuth(SecretStr(_TOKEN), _SdkKeys(), lambda: _NOW_MS)

    caller = asyncio.run(auth.caller_with_sdk_key(_headers(_SDK_KEY)))
    assert caller.sdk_key is not None
    assert caller.role < Role.READER
    for token in (_TOKEN.encode(), _SECRET, b"", b"vf_server_", _SDK_KEY[:-1] + b"0"):
        with pytest.raises(Unauthorized):
            asyncio.run(auth.caller_with_sdk_key(_headers(token)))
    with pytest.raises(Unauthorized, match="no SDK key"):
        asyncio.run(auth.caller_with_sdk_key([]))


def test_sdk_key__in_another_form__is_not_looked_for() -> None:
    tokens = _SdkKeys()
    auth = TokenAuth(None, tokens, lambda: _NOW_MS)

    for token, asked in ((b"vf_client_0", 0), (_SDK_KEY + b"0", 0), (_SDK_KEY[:-1] + b"0", 1)):
        with pytest.raises(Unauthorized):
            asyncio.run(auth.caller_with_sdk_key(_headers(token)))
        assert tokens.asked == asked
