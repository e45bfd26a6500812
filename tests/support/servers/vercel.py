"""Vercel's dialect of an API process, for tests of its wire."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.servers.api import TOKEN, Api

PROJECT = "/v1/projects/default"
SEGMENTS = f"{PROJECT}/feature-flags/segments"


@contextmanager
def vercel_client(api: Api, token: str | None = TOKEN) -> Iterator[httpx.Client]:
    """Give a client that sends the token as Vercel's do."""
    with api.client(None if token is None else f"Bearer {token}") as client:
        yield client


def assert_error(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Hold a refusal against Vercel's shape; give what it says."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert error["code"] == code, error
    assert len(error["id"]) == 36
    assert error["message"]
    return error
