"""Context keys that a path or a body names."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from api.errors import InvalidRequest
from worker.context_keys import fault_of

_BAD_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def decode_context_key(part: bytes) -> str:
    """The context key that a part of an undecoded path is.

    Raises:
        InvalidRequest: it is not a context key.
    """
    if b"%" in part:
        if _BAD_PERCENT.search(part):
            raise InvalidRequest("the context key in the path has a % that encodes nothing")
        part = unquote_to_bytes(part)
    try:
        key = part.decode()
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the context key in the path is not valid UTF-8") from exc
    return require_context_key(key)


def require_context_key(key: str) -> str:
    """Make sure that a text is a context key, and return it.

    Raises:
        InvalidRequest: it is not.
    """
    fault = fault_of(key)
    if fault is not None:
        raise InvalidRequest(fault)
    return key
