"""Which part of a file an HTTP request asks for.

Source: RFC 9110, section 14.
"""

import re
from dataclasses import dataclass
from typing import Final

from api.errors import RangeNotSatisfiable

#: One range. A header of another form, or with several ranges, is ignored.
_ONE_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes ``[start, end)`` of a file."""

    start: int
    end: int


def parse_range(value: str, size_bytes: int) -> ByteRange | None:
    """Parse the part that a ``Range`` header asks for.

    Args:
        value: the header's value.
        size_bytes: how long the whole file is.

    Returns:
        The part, not empty and inside the file; ``None`` for the whole file: for an empty one,
        for several ranges, and for a header that is not a range of bytes.

    Raises:
        RangeNotSatisfiable: no byte of the file is in the range.
    """
    found = _ONE_RANGE.fullmatch(value)
    if found is None or size_bytes == 0:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start = int(first)
        end = min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= size_bytes:
        raise RangeNotSatisfiable(size_bytes)
    return ByteRange(start, end)
