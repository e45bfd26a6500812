"""What pydantic finds wrong, as one refusal that never repeats a value.

A value may be a context key, so it is never part of the message.
"""

import re
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.bodies.unknown_names import find_nearest
from api.errors import InvalidRequest

#: What pydantic puts before the words of our own validators.
_PREFIX: Final = "Value error, "
#: Types that JSON has another name for.
_IN_JSON: Final = {
    "tuple_type": "Input should be a list",
    "model_type": "Input should be an object",
    "dict_type": "Input should be an object",
    "too_long": "too many items",
    "extra_forbidden": "there is no such field",
}
#: Faults of a whole body, in words for callers who know nothing of Python.
_OF_A_WHOLE_BODY: Final = {
    "missing": "the request has no body: send JSON",
    "model_attributes_type": "the body must be a JSON object",
    "model_type": "the body must be a JSON object",
}
#: What pydantic puts after a key that is wrong itself.
_KEY: Final = "[key]"
_QUOTED: Final = re.compile(r"'([^']*)'")


def refusal(error: ValidationError, within: str = "", *, skip: str = "") -> InvalidRequest:
    """The first fault of a value that a handler read itself: where it is, and what it is.

    Args:
        error: what the validation raised.
        within: the path of the validated value in the body, such as ``instructions[2]``.
        skip: what parts of a location begin with that are no part of the body: tags of unions.
    """
    fault = error.errors(include_url=False)[0]
    where = _path(within, *[part for part in fault["loc"] if not _is_skipped(part, skip)])
    message = _IN_JSON.get(fault["type"], _message(fault))
    if fault["type"] == "literal_error":
        nearest = find_nearest(fault["input"], _QUOTED.findall(fault["ctx"]["expected"]))
        message += f"; nearest: {nearest}" if nearest else ""
    return InvalidRequest(f"{where}: {message}" if where else message)


def request_refusal(error: RequestValidationError) -> InvalidRequest:
    """The first fault of a parameter or body that the framework read."""
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"] if part != "body")
        if where:
            return InvalidRequest(f"invalid request: {where}: {_message(fault)}")
        return InvalidRequest(_OF_A_WHOLE_BODY.get(fault["type"], _message(fault)))
    return InvalidRequest("invalid request")


def _message(fault: Any) -> str:  # noqa: ANN401 - pydantic's dictionary
    return str(fault["msg"]).removeprefix(_PREFIX)


def _is_skipped(part: int | str, skip: str) -> bool:
    """Whether it is no place in the body: a tag of a union, or pydantic's mark of a wrong key."""
    return isinstance(part, str) and (part == _KEY or bool(skip and part.startswith(skip)))


def _path(within: str, *parts: int | str) -> str:
    """As people write it: ``rules[0].clauses[1].op``."""
    path = within
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
