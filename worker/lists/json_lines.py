"""The keys of JSON Lines: each line is a string, a number, or an object that has a field for one.

A line is what a line is in CSV files, so that any part of a file can be read on its own: JSON
holds no line break but between its tokens, where a writer of one value a line puts none.
"""

import json
from codecs import BOM_UTF8
from json.decoder import JSONDecodeError
from typing import Any, Final

import numpy as np
import pyarrow as pa

from worker.lists.csv.lines import line_bounds
from worker.lists.csv.rows import BlockRows
from worker.lists.errors import NestedTooDeep
from worker.lists.keys.validation import RejectReason

#: Objects and arrays within each other in one line.
MOST_LEVELS: Final = 32
_OPENING: Final = b"{["


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity, which are no JSON.
    raise JSONDecodeError("no JSON", name, 0)


#: Numbers stay as they are spelled: what 1.0 or 12345678901234567890 becomes elsewhere is no key.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse_constant)


def decode_line(line: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read one line; numbers are given as their text.

    Raises:
        ValueError: It is not one value of JSON in UTF-8.
        NestedTooDeep: It nests too deep.
    """
    if sum(map(line.count, (b"{", b"["))) > MOST_LEVELS and _depth(line) > MOST_LEVELS:
        raise NestedTooDeep(limit=MOST_LEVELS)
    # Where files were joined, a line begins with the mark of its own file.
    return _DECODER.decode(line.removeprefix(BOM_UTF8).decode())


def read_json_rows(block: bytes, *, limit: int, final: bool, field: str | None) -> BlockRows:
    """Read the lines that start before ``limit`` and end in the block.

    Cost: 1 to 2 µs a line.

    Args:
        block: Starts at the start of a line.
        limit: Lines that start here or later are left alone.
        final: The file ends with this block, so its last line needs no terminator.
        field: The field that holds the key, where a line is an object.

    Raises:
        NestedTooDeep: A line nests too deep.
    """
    ends, after = line_bounds(block, final=final)
    if final and (after[-1] if len(after) else 0) < len(block):
        ends, after = np.append(ends, len(block)), np.append(after, len(block))
    starts = np.concatenate([np.zeros(1, np.int64), after])
    count = int(np.searchsorted(starts[:-1], limit))
    if count == 0:
        return BlockRows(pa.array([], pa.binary()), end=0, longest_at=0, longest_bytes=0)
    lines = zip(starts[:count].tolist(), ends[:count].tolist(), strict=True)
    found = [_read(block[start:end], field) for start, end in lines]
    lengths = np.diff(starts[: count + 1])
    longest = int(lengths.argmax())
    return BlockRows(
        pa.array([cell for cell, _ in found], pa.binary()),
        end=int(starts[count]),
        longest_at=int(starts[longest]),
        longest_bytes=int(lengths[longest]),
        faults=np.array([fault for _, fault in found], np.uint8),
        starts=starts[: count + 1],
    )


def _read(line: bytes, field: str | None) -> tuple[bytes, int]:
    """The cell of one line, and the reason why it has none, or 0."""
    if not line.strip():
        return b"", 0
    try:
        value = decode_line(line)
        if isinstance(value, dict):
            value = value.get(field)
        if isinstance(value, str):
            return value.encode(), 0
    except UnicodeError:
        return b"", RejectReason.INVALID_UTF8
    except (ValueError, RecursionError):
        return b"", RejectReason.INVALID_JSON
    return b"", 0 if value is None else RejectReason.NOT_TEXT


def _depth(line: bytes) -> int:
    """How deep a line nests; text within quotes does not count."""
    deepest = level = 0
    quoted = escaped = False
    for byte in line:
        if quoted:
            if escaped:
                escaped = False
            elif byte == ord("\\"):
                escaped = True
            else:
                quoted = byte != ord('"')
        elif byte == ord('"'):
            quoted = True
        elif byte in _OPENING:
            level += 1
            deepest = max(deepest, level)
            if level > MOST_LEVELS:
                return level
        elif byte in b"}]":
            level -= 1
    return deepest
