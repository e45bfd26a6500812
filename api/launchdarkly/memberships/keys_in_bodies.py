"""``POST …/contexts/lookup`` and ``POST …/users/lookup``: look-ups with the key in the body.

For keys that a path cannot carry to the server: clients fold ``.`` and ``..`` away, and many
proxies decode ``%2F`` or refuse it. A body also stays out of their logs.
"""

from typing import Final
from urllib.parse import parse_qsl

from api.bodies.json_values import read_json
from api.bodies.unknown_names import unknown_name
from api.errors import InvalidRequest
from api.http.asgi import Receive, Scope, header, read_body
from api.launchdarkly.memberships.lookup import checked_key
from api.launchdarkly.wire.requests import media_type, require_json_type

#: The last part of the path; as a context key it is looked up with GET.
_LITERAL: Final = b"lookup"
#: The longest key takes 6 KiB when every character of it is escaped.
BODY_LIMIT_BYTES: Final = 16 * 1024
_BY_PATH: Final = ("GET",)
_BY_BODY: Final = ("GET", "POST")
_KEY: Final = "key"
_SHAPE: Final = 'send {"key":"…"}'


def methods_for(question: list[bytes]) -> tuple[str, ...]:
    """The methods that a question's path takes."""
    return _BY_BODY if question[-1] == _LITERAL else _BY_PATH


async def key_in_body(scope: Scope, receive: Receive) -> str:
    """The context key that the body holds.

    Raises:
        Disconnected: the client went away.
        InvalidRequest: the body is not ``{"key":"…"}``, its key is not a valid context key, or
            there is a query.
        TooLarge: the body is over 16 KiB.
        UnsupportedMediaType: the body is declared as something other than JSON.
    """
    require_json_type(media_type((header(scope, b"content-type") or b"").decode("latin-1")))
    query = scope["query_string"].decode("latin-1")
    for name, _ in parse_qsl(query, keep_blank_values=True):
        fault = unknown_name(name, (), "query parameter", "parameters")
        raise InvalidRequest(f"{fault}; {_SHAPE}")
    raw = await read_body(receive, BODY_LIMIT_BYTES)
    if not raw.strip():
        raise InvalidRequest(f"the request has no body: {_SHAPE}")
    body = read_json(raw)
    if not isinstance(body, dict):
        raise InvalidRequest(f"the body must be a JSON object: {_SHAPE}")
    if body.keys() != {_KEY}:
        raise InvalidRequest(f"the body must have exactly one field, key: {_SHAPE}")
    if not isinstance(body[_KEY], str):
        raise InvalidRequest(f"key: must be a string: {_SHAPE}")
    return checked_key(body[_KEY])
