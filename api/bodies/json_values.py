"""JSON as it came over the wire: read once, compared by type as well as by value.

Python calls 1, 1.0 and true equal; JSON does not, and a rule's values must come back with
the types they were given. So values are compared by their text.
"""

import asyncio
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.errors import InvalidRequest

JsonObject = dict[str, Any]

#: Arrays and objects inside one another. Copies and codecs recurse; this keeps them far
#: from the interpreter's limit.
DEEPEST: Final = 64
#: A body of the largest size holds one value in so many bytes; keys of ordinary length are
#: longer. Reading 260,000 values takes some 20 ms, in which no look-up is answered; 5 MiB of
#: empty arrays would take 300 ms.
BYTES_PER_VALUE: Final = 20

#: What begins a value, or separates it from the one before: a comma, or a bracket, both kinds of
#: which differ in one bit.
_COMMA, _BRACKET, _BUT_THAT_BIT = ord(","), ord("["), 0xDF
#: Bytes that are looked at together: they fit into the processor's cache.
_STEP_BYTES: Final = 256 * 1024


def read_json(raw: bytes, *, keeps_halves: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """A request's body.

    Refused although Python's parser takes them: ``NaN``, ``Infinity``, numbers too large
    for a double, halves of surrogate pairs, nesting over ``DEEPEST``, and an object with two
    members of one name, of which it keeps the last.

    Cost: 1.7 ms for 10,000 keys of 36 characters.

    Args:
        raw: the body, UTF-8 with or without a byte order mark.
        keeps_halves: take halves of surrogate pairs, for what is compared and never stored.

    Raises:
        InvalidRequest: it is not JSON that can be kept; says where, never what.
    """
    with refusals_of_json():
        text = raw.decode("utf-8-sig")
        value = json_decoder().decode(text)
        if not keeps_halves and ("\\ud" in text or "\\uD" in text):
            require_whole_characters(value)
    require_shallow(value)
    return value


def json_decoder() -> json.JSONDecoder:
    """Make the decoder, which refuses what :func:`read_json` says; see :func:`refusals_of_json`."""
    return json.JSONDecoder(
        parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_object
    )


@contextmanager
def refusals_of_json() -> Iterator[None]:
    """Make refusals of what a decoder raises.

    Raises:
        InvalidRequest: says where, never what.
    """
    try:
        yield
    except json.JSONDecodeError as exc:
        message = f"the body is not JSON: {exc.msg} at line {exc.lineno} column {exc.colno}"
        raise InvalidRequest(message) from exc
    except UnicodeDecodeError as exc:
        raise InvalidRequest(f"the body is not UTF-8: byte {exc.start}") from exc
    except UnicodeEncodeError as exc:
        raise InvalidRequest("the body holds half of a surrogate pair") from exc
    except RecursionError as exc:
        raise InvalidRequest(_TOO_DEEP) from exc
    except ValueError as exc:
        raise InvalidRequest("the body holds a number that cannot be kept") from exc


def require_whole_characters(value: object) -> None:
    """Make sure that no text in a value has half of a surrogate pair.

    Raises:
        UnicodeEncodeError: one has.
    """
    json.dumps(value, ensure_ascii=False).encode()


def require_shallow(value: object) -> None:
    """Make sure that a value is not nested too deeply to be copied and written.

    Raises:
        InvalidRequest: it is nested over ``DEEPEST``.
    """
    level = [value]
    for _ in range(DEEPEST):
        below: list[object] = []
        for inner in level:
            if isinstance(inner, dict):
                below.extend(inner.values())
            elif isinstance(inner, list):
                below.extend(inner)
        if not below:
            return
        level = below
    raise InvalidRequest(_TOO_DEEP)


def most_values(max_body_bytes: int) -> int:
    """Values that a body may hold where bodies may be of this size."""
    return max_body_bytes // BYTES_PER_VALUE


async def require_few_values(body: bytes, most: int) -> None:
    """Make sure that a body is not made of very many small values.

    Reading one keeps every other thread from running. Signs inside strings count as well,
    which makes a difference only to texts made of them. Cost: about 0.4 µs a KiB, in steps of the
    event loop of some 0.1 ms.

    Raises:
        InvalidRequest: it is.
    """
    if len(body) <= most:
        return
    data = np.frombuffer(body, np.uint8)
    values = 0
    for start in range(0, len(data), _STEP_BYTES):
        values += _signs(data[start : start + _STEP_BYTES])
        if values > most:
            raise InvalidRequest(f"the body holds over {most:,} values; send several requests")
        await asyncio.sleep(0)


def exact_text(value: object) -> str:
    """A text that two values share only if they are the same JSON, types included.

    The order of an object's members does not matter; that of an array's does.

    Raises:
        InvalidRequest: a number in it has no JSON.
    """
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except ValueError as exc:
        raise InvalidRequest("a number is too large to be kept") from exc


def _signs(data: NDArray[np.uint8]) -> int:
    """Count by numpy: ``bytes.count`` takes 9 ms for 100,000 keys, in which nobody is answered."""
    commas = np.count_nonzero(data == _COMMA)
    return int(commas + np.count_nonzero(data & _BUT_THAT_BIT == _BRACKET))


_TOO_DEEP: Final = f"arrays and objects are nested over {DEEPEST} deep"


def _object(members: list[tuple[str, Any]]) -> JsonObject:
    value = dict(members)
    if len(value) != len(members):
        raise InvalidRequest("an object in the body has two members of one name")
    return value


def _no_constant(name: str) -> float:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = "a number over the range of a double"
        raise ValueError(message)
    return number
