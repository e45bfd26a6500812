"""Look-ups of memberships: the hot path, with the key in the path or in a body.

``GET …/contexts/{contextKey}`` and ``GET …/users/{userKey}`` pass no framework, because its
request costs more than the whole answer. They are routed on the undecoded path, so that a key may
hold an encoded slash.

``POST …/contexts/lookup`` and ``POST …/users/lookup`` are for keys that do not survive in a
path: clients remove ``.`` and ``..``, and many proxies decode ``%2F`` or refuse it. A body also
stays out of their logs.
"""

from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from api.access.auth import Caller
from api.bodies.json_values import read_json
from api.bodies.media_types import parse_media_type, require_json_type
from api.bodies.unknown_names import unknown_name
from api.errors import Forbidden, InvalidRequest, NotFound
from api.http.asgi import Receive, Scope, header, read_body
from api.http.routes import LookupRoute, Question
from api.launchdarkly.wire.context_keys import decode_context_key, require_context_key
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.requests import require_keys
from api.lookups.lookups import SegmentAddress
from worker.store import Membership

_PREFIX: Final = f"{PREFIX}/segments/".encode()
#: Of '', 'api', 'v2', 'segments', project, environment, segment, 'contexts', context key.
_PARTS: Final = 9
#: The part that tells the two routes apart.
_LITERAL_PART: Final = 7
_LITERALS: Final = (b"contexts", b"users")
_BOOLEAN: Final = {True: "true", False: "false"}
_ENDS: Final = {
    (included, excluded): f',"included":{_BOOLEAN[included]},"excluded":{_BOOLEAN[excluded]}}}'
    for included in (False, True)
    for excluded in (False, True)
}

#: The last part of the path of a look-up by body; GET takes it for a context key.
_BY_BODY_PART: Final = b"lookup"
#: The longest key takes 6 KiB when every character of it is escaped.
BODY_LIMIT_BYTES: Final = 16 * 1024
_BY_PATH: Final = ("GET",)
_BY_BODY: Final = ("GET", "POST")
_KEY: Final = "key"
_SHAPE: Final = 'send {"key":"…"}'


def parse_question(raw_path: bytes) -> Question | None:
    """The parts of a path that asks for a membership, whatever the method; else ``None``."""
    if not raw_path.startswith(_PREFIX):
        return None
    parts = raw_path.split(b"/")
    return parts if len(parts) == _PARTS and parts[_LITERAL_PART] in _LITERALS else None


def limit_name(question: Question) -> bytes:
    """``contexts`` or ``users``: each has its own rate limit."""
    return question[_LITERAL_PART]


def methods_for(question: Question) -> tuple[str, ...]:
    """The methods that a question's path takes."""
    return _BY_BODY if question[-1] == _BY_BODY_PART else _BY_PATH


def require_address(question: Question, caller: Caller) -> SegmentAddress:
    """The segment that a question's path names; every role may look up.

    Raises:
        Forbidden: the segment is out of the caller's scope.
        NotFound: a key that no resource can have.
    """
    address = _parse_address(question[4], question[5], question[6])
    if not caller.scope.allows(*address):
        raise Forbidden
    return address


def render(key: str, answer: Membership) -> bytes:
    """Write the body of the answer about a key."""
    # What json.dumps does with a string, without its choice of an encoder.
    quoted = encode_basestring_ascii(key)
    return f'{{"userKey":{quoted}{_ENDS[answer.included, answer.excluded]}'.encode()


def key_in_path(question: Question) -> str:
    """The context key that a question's path ends in.

    Raises:
        InvalidRequest: it is not a context key.
    """
    return decode_context_key(question[_PARTS - 1])


async def key_in_body(scope: Scope, receive: Receive) -> str:
    """The context key that the body holds.

    Raises:
        Disconnected: the client went away.
        InvalidRequest: the body is not ``{"key":"…"}``, its key is not a valid context key, or
            there is a query.
        TooLarge: the body is over 16 KiB.
        UnsupportedMediaType: the body is declared as something other than JSON.
    """
    require_json_type(parse_media_type((header(scope, b"content-type") or b"").decode("latin-1")))
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
    return require_context_key(body[_KEY])


@lru_cache(maxsize=4_096)
def _parse_address(project: bytes, environment: bytes, segment: bytes) -> SegmentAddress:
    # Cached because most look-ups are about few segments.
    return _parse_key(project), _parse_key(environment), _parse_key(segment)


def _parse_key(part: bytes) -> str:
    try:
        text = (unquote_to_bytes(part) if b"%" in part else part).decode()
    except UnicodeDecodeError as exc:
        raise NotFound("invalid resource identifier") from exc
    require_keys(text)
    return text


LOOKUP_ROUTE: Final = LookupRoute(
    parse_question=parse_question,
    limit_name=limit_name,
    methods_for=methods_for,
    require_address=require_address,
    key_in_path=key_in_path,
    key_in_body=key_in_body,
    render=render,
)
