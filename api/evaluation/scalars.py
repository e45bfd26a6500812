"""JSON's scalars: which of them are numbers, which number each is, and the bytes of a text."""

from math import isfinite
from typing import Final

_LIMIT: Final = 2.0**63


def number_of(value: object) -> float | None:
    """Give a number as the double that every JSON number is; ``None`` for anything else.

    Booleans are no numbers, and neither is what a double cannot hold. Two integers beyond
    2^53 may be the same double and are then equal, as they are in Go.
    """
    if isinstance(value, float):
        return value if isfinite(value) else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def integer_of(value: object) -> int | None:
    """Give a number without a fraction as an integer of 64 bits; ``None`` for anything else.

    JSON knows one kind of number, so 3.0 is an integer.
    Source: LaunchDarkly go-sdk-common v3, ldvalue.Value.IsInt.
    """
    number = number_of(value)
    if number is None or not number.is_integer() or not -_LIMIT <= number < _LIMIT:
        return None
    return int(number)


def encoded_text(text: str) -> bytes:
    """Give UTF-8. Half a surrogate pair, which JSON can smuggle in, is not an error here."""
    return text.encode(errors="surrogatepass")
