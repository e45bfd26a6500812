"""``GET …/contexts/{contextKey}`` and ``GET …/users/{userKey}``: the hot path.

Plain ASGI, because a framework's request costs more than the whole answer. Routed on the
undecoded path, so that a key may hold an encoded slash. ``keys_in_bodies`` has the same
question with the key in a body.
"""

import json
import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from api.access.auth import Caller
from api.errors import Forbidden, InvalidRequest, NotFound
from api.launchdarkly.wire.links import RESOURCE_KEY
from api.lookups.lookups import Lookups, Place
from worker.context_keys import fault_of

_PREFIX: Final = b"/api/v2/segments/"
#: '', 'api', 'v2', 'segments', project, environment, segment, 'contexts', context key
_PARTS: Final = 9
#: Which part of a question's path is the literal that tells the two routes apart.
ROUTE_PART: Final = 7
_LITERALS: Final = (b"contexts", b"users")
_BAD_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BOOLEAN: Final = {True: "true", False: "false"}


def question_of(raw_path: bytes) -> list[bytes] | None:
    """The path's parts if it asks for a membership, whatever the method."""
    if not raw_path.startswith(_PREFIX):
        return None
    parts = raw_path.split(b"/")
    return parts if len(parts) == _PARTS and parts[ROUTE_PART] in _LITERALS else None


def place_asked(parts: list[bytes], caller: Caller) -> Place:
    """The segment that a question's path names; every role may ask.

    Raises:
        Forbidden: the segment is out of the caller's scope.
        NotFound: a resource key is none.
    """
    place = _place(parts[4], parts[5], parts[6])
    if not caller.scope.allows(*place):
        raise Forbidden
    return place


async def membership_body(lookups: Lookups, place: Place, key: str) -> bytes:
    """The answer's body.

    Raises:
        InvalidRequest: the segment is a standard one.
        StoreError: what :meth:`Lookups.look_up` raises.
    """
    answer = await lookups.look_up(place, key)
    included, excluded = _BOOLEAN[answer.included], _BOOLEAN[answer.excluded]
    text = f'{{"userKey":{json.dumps(key)},"included":{included},"excluded":{excluded}}}'
    return text.encode()


def key_in_path(parts: list[bytes]) -> str:
    """The context key that a question's path ends in.

    Raises:
        InvalidRequest: it is no context key.
    """
    part = parts[_PARTS - 1]
    if b"%" in part:
        if _BAD_PERCENT.search(part):
            raise InvalidRequest("the context key in the path has a % that encodes nothing")
        part = unquote_to_bytes(part)
    try:
        key = part.decode()
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the context key in the path is not valid UTF-8") from exc
    return checked_key(key)


def checked_key(key: str) -> str:
    """The key itself.

    Raises:
        InvalidRequest: it is no context key.
    """
    fault = fault_of(key)
    if fault is not None:
        raise InvalidRequest(fault)
    return key


@lru_cache(maxsize=4_096)
def _place(project: bytes, environment: bytes, segment: bytes) -> Place:
    # Pure; remembered because most look-ups are about few segments.
    return _resource(project), _resource(environment), _resource(segment)


def _resource(part: bytes) -> str:
    try:
        text = (unquote_to_bytes(part) if b"%" in part else part).decode()
    except UnicodeDecodeError as exc:
        raise NotFound("invalid resource identifier") from exc
    if RESOURCE_KEY.fullmatch(text) is None:
        raise NotFound("invalid resource identifier")
    return text
