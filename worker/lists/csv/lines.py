r"""Physical lines: what ``\\n``, ``\\r`` and ``\\r\\n`` end, quotes or no quotes."""

import re

import numpy as np

_LF, _CR = b"\n\r"


def line_bounds(block: bytes, *, final: bool) -> tuple[np.ndarray, np.ndarray]:
    r"""Where each terminator starts, and where the line after it starts.

    Args:
        block: Its first byte is not the second half of a ``\\r\\n``.
        final: The file ends with the block. Otherwise a ``\\r`` in the last place is left
            out, because a ``\\n`` may follow it.
    """
    data = np.frombuffer(block, np.uint8)
    if b"\r" not in block:
        ends = np.flatnonzero(data == _LF)
        return ends, ends + 1
    marks = np.flatnonzero((data == _LF) | (data == _CR))
    second = (data[marks] == _LF) & (marks > 0) & (data[marks - 1] == _CR)
    ends = marks[~second]
    following = data[np.minimum(ends + 1, len(data) - 1)]
    after = ends + 1 + ((data[ends] == _CR) & (following == _LF))
    if not final and data[-1] == _CR:
        return ends[:-1], after[:-1]
    return ends, after


def next_line_start(block: bytes, start: int, end: int) -> int | None:
    r"""Where the first line after a terminator in ``block[start:end]`` starts, at most ``end``.

    None without a terminator. A ``\\r`` just before ``end`` is taken to stand alone.
    """
    match = re.compile(rb"\r\n?|\n").search(block, start, end)
    return match.end() if match else None
