"""Addresses of APIs as people write them."""

from typing import Final

import httpx

from api.cli.errors import UsageError

_SCHEMES: Final = frozenset({"http", "https"})


def parse_url(given: str, source: str) -> str:
    """Return an API's address without a trailing slash; the scheme may be left out.

    Args:
        given: what the user wrote.
        source: what names it, for the message.

    Raises:
        UsageError: no request can be sent to it.
    """
    given = given.strip()
    url = (given if "://" in given else f"http://{given}").rstrip("/")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise UsageError(f"{source} is not an address: {exc}") from exc
    if parsed.scheme not in _SCHEMES or not parsed.host:
        raise UsageError(f"{source} is not an address: write http://HOST:PORT or https://HOST")
    if parsed.userinfo:
        # httpx would send them in the token's place.
        raise UsageError(f"{source} contains a user or password: put the token into BIGSEG_TOKEN")
    if parsed.query or parsed.fragment:
        raise UsageError(f"{source} is not an address: it ends before `?` and `#`")
    return url


def check_token(token: str) -> str:
    """Return the token if it can be sent in a header.

    Raises:
        UsageError: it cannot; the message does not repeat it.
    """
    if not (token.isascii() and token.isprintable() and token):
        raise UsageError("the access token contains invalid characters: copy it again")
    return token
