"""Which pages may read the API's answers."""

import asyncio

import httpx
import pytest
from pydantic import ValidationError

from api.http.asgi import Receive, Scope, Send
from api.http.cors import Cors
from api.http.exchange import answer
from api.settings import ApiSettings

_SITE = "https://tools.example.com"
_PREFLIGHT = {"Access-Control-Request-Method": "PATCH"}


async def _refusing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, 401, b"{}")


def _ask(origins: tuple[str, ...], method: str, headers: dict[str, str]) -> httpx.Response:
    async def ask() -> httpx.Response:
        app = Cors(_refusing, origins=origins, exposed=("Location", "X-Thing"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, "/", headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("origins", "allowed", "vary"),
    [((_SITE,), _SITE, "Origin"), (("http://a", _SITE), _SITE, "Origin"), (("*",), "*", None)],
)
def test_answer__to_a_known_page__may_be_read(
    origins: tuple[str, ...], allowed: str, vary: str | None
) -> None:
    reply = _ask(origins, "GET", {"Origin": _SITE})

    assert reply.status_code == 401
    assert reply.headers["access-control-allow-origin"] == allowed
    assert reply.headers["access-control-expose-headers"] == "Location, X-Thing"
    assert reply.headers.get("vary") == vary
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_answer__to_anybody_else__says_only_that_it_varies(
    method: str, headers: dict[str, str]
) -> None:
    reply = _ask((_SITE,), method, headers | _PREFLIGHT)

    assert reply.status_code == 401
    assert reply.headers["vary"] == "Origin"
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_preflight__of_a_known_page__needs_no_token() -> None:
    reply = _ask((_SITE,), "OPTIONS", {"Origin": _SITE} | _PREFLIGHT)

    assert reply.status_code == 204
    assert reply.content == b""
    assert reply.headers["access-control-allow-origin"] == _SITE
    assert {"OPTIONS", "GET", "POST", "PATCH", "DELETE"} <= set(
        reply.headers["access-control-allow-methods"].split(", ")
    )
    assert {"Authorization", "Content-Type", "LD-API-Version", "X-HTTP-Method-Override"} <= set(
        reply.headers["access-control-allow-headers"].split(", ")
    )
    assert reply.headers["access-control-max-age"] == "300"


def test_options__without_a_wanted_method__is_no_preflight() -> None:
    assert _ask((_SITE,), "OPTIONS", {"Origin": _SITE}).status_code == 401


@pytest.mark.parametrize("origin", ["example.com", "https://a/", "https://a/b", "", "https://a b"])
def test_setting__of_no_origin__is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        ApiSettings.model_validate({"cors_origins": [origin]})


@pytest.mark.parametrize("origin", ["*", "https://a", "http://localhost:3000", "http://[::1]:80"])
def test_setting__of_an_origin__is_taken(origin: str) -> None:
    assert ApiSettings.model_validate({"cors_origins": [origin]}).cors_origins == (origin,)
