"""Numbers read from strings, written as strings, and the order that ``<`` and ``>`` see.

Source: ECMAScript 2025, StringToNumber, Number::toString, IsLessThan, OrdinaryToPrimitive.
"""

import re
from collections.abc import Callable
from math import inf, isinf, isnan, nan
from typing import Final

from api.vercel.evaluation.javascript.texts import sort_key
from api.vercel.evaluation.javascript.values import (
    NULL,
    TRUE,
    UNDEFINED,
    Array,
    Constant,
    Function,
    Object,
    Value,
    double_of,
    value_of,
)

#: White space and line ends, which surround a number or separate a pattern's words.
WHITE_SPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_RADICES: Final = {"x": 16, "o": 8, "b": 2}
_INFINITY: Final = re.compile(r"([+-]?)Infinity")
#: Beyond so many digits before the point a number is written with an exponent.
_PLAIN_DIGITS: Final = 21
_PLAIN_ZEROS: Final = 6

Compare = Callable[[float | str | bytes, float | str | bytes], bool]


def number_of_text(text: str) -> float:
    """Give what ``Number(text)`` gives; NaN for what is no number."""
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _RADIX.fullmatch(text):
        return double_of(int(text[2:], _RADICES[text[1].lower()]))
    infinity = _INFINITY.fullmatch(text)
    if infinity is None:
        return nan
    return -inf if infinity[1] == "-" else inf


def text_of_number(number: float) -> str:
    """Give what ``String(number)`` gives."""
    if isnan(number):
        return "NaN"
    if isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    return sign + _written(digits.rstrip("0"), point)


def _written(digits: str, point: int) -> str:
    """Write 0.DIGITS times ten to the power of ``point``."""
    if len(digits) <= point <= _PLAIN_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _PLAIN_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -_PLAIN_ZEROS < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"


def is_ordered(compare: Compare, left: str | float | Constant, right: str | float) -> bool:
    """Whether a comparison of two values that are no objects holds.

    Strings are compared by their units; in any other case both are numbers, and NaN is in no
    order.

    Cost: linear in the longer string.
    """
    if isinstance(left, str) and isinstance(right, str):
        if left.isascii() and right.isascii():
            return compare(left, right)
        return compare(sort_key(left), sort_key(right))
    return compare(number_of(left), number_of(right))


def number_of(primitive: str | float | Constant) -> float:
    """Give what ``Number(primitive)`` gives."""
    if isinstance(primitive, str):
        return number_of_text(primitive)
    if isinstance(primitive, float):
        return primitive
    if primitive is UNDEFINED:
        return nan
    return 1.0 if primitive is TRUE else 0.0


def primitive_of(value: Value) -> str | float | Constant | None:
    """Give what a value is where no object can be, as in a comparison.

    Returns:
        ``None`` where JavaScript throws, because an object's own ``toString`` is no function.

    Cost: linear in all items of an array and of those within.
    """
    if isinstance(value, Array):
        return _joined(value)
    if isinstance(value, Object):
        return None if "toString" in value.members else "[object Object]"
    return value.text if isinstance(value, Function) else value


def _joined(array: Array) -> str | None:
    """Join items by commas; those of an inner array as if they were the outer one's."""
    parts: list[str] = []
    pending: list[object] = [*reversed(array.items)]
    while pending:
        item = value_of(pending.pop())
        if isinstance(item, Array) and item.items:
            pending.extend(reversed(item.items))
            continue
        text = _text_of(item)
        if text is None:
            return None
        parts.append(text)
    return ",".join(parts)


def _text_of(item: Value) -> str | None:
    primitive = primitive_of(item)
    if isinstance(primitive, float):
        return text_of_number(primitive)
    if isinstance(primitive, Constant):
        return "" if primitive is NULL else primitive.name
    return primitive
