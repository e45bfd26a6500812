"""Request bodies: read by hand, because they may be large and the framework would parse twice."""

from typing import Any

from fastapi import Request

from api.bodies.json_values import read_json
from api.bodies.media_types import require_plain_json
from api.errors import InvalidRequest


async def read_body(request: Request) -> bytes:
    """Read a body that must be there.

    Raises:
        UnsupportedMediaType: it is not JSON.
        InvalidRequest: there is none.
    """
    require_plain_json(request)
    raw = await request.body()
    if not raw.strip():
        raise InvalidRequest("the request has no body: send JSON")
    return raw


def parse_object(raw: bytes) -> dict[str, Any]:
    """Read a body that is a JSON object.

    Raises:
        InvalidRequest: it is not.
    """
    body = read_json(raw)
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body
