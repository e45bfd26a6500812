"""Large arrays of strings in a JSON body, read as columns without an object for each string.

Python's parser holds the interpreter for 20 ms of 100,000 strings, in which no look-up is
answered; numpy works beside it. Only bodies that are exactly as expected, and without any escape,
are read here: whatever else comes is left to the parser whose refusals say what is wrong.

Arrow has a parser of JSON as well. It is not for bodies of strangers: ``null`` ends the process.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from worker.byte_columns import Bytes, Column, ColumnView, sliced_column
from worker.context_keys import KEY_LIMIT_BYTES, fault_of

Places = NDArray[np.intp]

_QUOTE: Final = ord('"')
_SPACES: Final = b" \t\r\n"
_FIRST_IN_TEXT: Final = 0x20
_DELETE, _FIRST_OF_C1 = 0x7F, 0xC2
#: Bytes that white space begins with, and so does each key that is blank.
_IN_BLANKS: Final = np.isin(
    np.arange(256), [*b" \t\n\v\f\r\x1c\x1d\x1e\x1f", 0xC2, 0xE1, 0xE2, 0xE3]
)


def read_text_columns(raw: bytes, names: Collection[str]) -> Mapping[str, Column] | None:
    """Read a JSON object whose fields all are arrays of strings.

    Cost: about 5 ns a byte, mostly without the interpreter's lock; call it in a thread.

    Args:
        raw: the body.
        names: the fields, each of which must be there.

    Returns:
        A column of text for each, none of them empty; ``None`` if the body is anything else,
        wrong or not.
    """
    if b"\\" in raw:
        return None
    data = np.frombuffer(raw, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    controls = np.flatnonzero(data < _FIRST_IN_TEXT)
    if len(quotes) % 2 or (np.searchsorted(quotes, controls) % 2).any():
        return None
    starts, ends = quotes[0::2] + 1, quotes[1::2]
    counts = _lengths(_frame(data, starts, ends))
    columns: dict[str, Column] = {}
    # Each field is a string for its name, then those of its array.
    for first, stop in pairwise(np.cumsum([0, *(count + 1 for count in counts)]).tolist()):
        name = raw[starts[first] : ends[first]].decode(errors="replace")
        texts = _texts(data, starts[first + 1 : stop], ends[first + 1 : stop])
        if texts is None:
            return None
        columns[name] = texts
    return columns if sorted(columns) == sorted(names) and len(columns) == len(counts) else None


def _frame(data: Bytes, starts: Places, ends: Places) -> bytes:
    """What is between the strings but white space; each string leaves one quote."""
    firsts = np.concatenate(([0], ends))
    stops = np.concatenate((starts - 1, [len(data)]))
    between = ColumnView.of(sliced_column(data, firsts, stops)).data
    return between.tobytes().translate(None, _SPACES)


def _lengths(frame: bytes) -> list[int]:
    """How many strings each array has, if the frame is that of an object of such arrays."""
    counts = [field.count(b'"') - 1 for field in frame.split(b"]")[:-1]]
    fields = (b'":["' + b',"' * (count - 1) + b"]" for count in counts)
    is_such = bool(counts) and min(counts) > 0 and frame == b"{" + b",".join(fields) + b"}"
    return counts if is_such else []


def _texts(data: Bytes, starts: Places, ends: Places) -> "Column | None":
    try:
        texts: Column = sliced_column(data, starts, ends).cast(pa.string())
    except pa.ArrowInvalid:  # not UTF-8
        return None
    return texts


def find_bad_key(keys: Column) -> tuple[int, str] | None:
    """The first row that is no context key, and why.

    Cost: a pass over the bytes, and a microsecond for each key that begins as white space does,
    or holds a byte that begins a control character.

    Args:
        keys: text, without nulls.
    """
    view = ColumnView.of(keys)
    doubtful = (view.lengths == 0) | (view.lengths > KEY_LIMIT_BYTES)
    controls = view.data < _FIRST_IN_TEXT
    controls |= view.data == _DELETE
    controls |= view.data == _FIRST_OF_C1
    doubtful[view.rows_at(np.flatnonzero(controls))] = True
    if len(view.data):
        doubtful |= _IN_BLANKS[view.data.take(view.offsets[:-1], mode="clip")]
    for row in np.flatnonzero(doubtful).tolist():
        fault = fault_of(keys[row].as_py())
        if fault is not None:
            return row, fault
    return None
