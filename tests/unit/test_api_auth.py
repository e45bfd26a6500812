"""Who is let in."""

import gc

import pytest
from pydantic import SecretStr

from api.auth import TokenAuth
from api.errors import Unauthorized
from api.settings import ApiSettings

_TOKEN = "s3cret-token-of-the-test"


@pytest.mark.parametrize("value", [_TOKEN, f"Bearer {_TOKEN}", f"bEARER   {_TOKEN} "])
def test_caller__known_token__is_the_admin(value: str) -> None:
    auth = TokenAuth(SecretStr(_TOKEN))

    assert auth.caller([(b"host", b"h"), (b"authorization", value.encode())]).name == "admin token"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", f"{_TOKEN} ".encode())],
        [(b"authorization", f"Token {_TOKEN}".encode())],
        [(b"x-authorization", _TOKEN.encode())],
        [(b"authorization", b"other"), (b"authorization", _TOKEN.encode())],
    ],
)
def test_caller__anything_else__is_unauthorized(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthorized):
        TokenAuth(SecretStr(_TOKEN)).caller(headers)


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_caller__no_token_configured__nobody_is_let_in(unset: str | None) -> None:
    settings = ApiSettings.model_validate({"admin_token": unset})
    assert settings.admin_token is None

    for value in (b"", b" ", b"Bearer", b"Bearer ", b"None"):
        with pytest.raises(Unauthorized):
            TokenAuth(settings.admin_token).caller([(b"authorization", value)])


def test_auth__once_made__holds_no_token() -> None:
    auth = TokenAuth(SecretStr(_TOKEN))

    held = gc.get_referents(auth, *gc.get_referents(auth))
    assert _TOKEN not in held
    assert _TOKEN not in repr(vars(auth))
