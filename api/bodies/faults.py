"""What pydantic finds wrong, as one refusal that never repeats a value."""

import re
from typing import Final

from pydantic import ValidationError

from api.bodies.known_names import nearest_of
from api.errors import InvalidRequest

#: What pydantic puts before the words of our own validators.
PREFIX: Final = "Value error, "
#: Types that JSON has another name for.
_IN_JSON: Final = {
    "tuple_type": "Input should be a list",
    "model_type": "Input should be an object",
    "dict_type": "Input should be an object",
    "too_long": "too many items",
    "extra_forbidden": "there is no such field",
}
_QUOTED: Final = re.compile(r"'([^']*)'")


def refusal(error: ValidationError, within: str = "") -> InvalidRequest:
    """The first fault as a refusal: where it is, and what it is.

    A value may be a context key, so it is never part of the message.

    Args:
        error: what the validation raised.
        within: the place of the validated value in the body, such as ``instructions[2]``.
    """
    fault = error.errors(include_url=False)[0]
    where = place(within, *fault["loc"])
    message = _IN_JSON.get(fault["type"], fault["msg"].removeprefix(PREFIX))
    if fault["type"] == "literal_error":
        nearest = nearest_of(fault["input"], _QUOTED.findall(fault["ctx"]["expected"]))
        message += f"; nearest: {nearest}" if nearest else ""
    return InvalidRequest(f"{where}: {message}" if where else message)


def place(within: str, *parts: int | str) -> str:
    """A place in a document as people write it: ``rules[0].clauses[1].op``."""
    where = within
    for part in parts:
        if isinstance(part, int):
            where += f"[{part}]"
        else:
            where += f".{part}" if where else part
    return where
