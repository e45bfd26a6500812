"""Context keys as CSV: one a line, re-importable as it is."""

from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.foreign_files import name_foreign_file, name_foreign_text

#: Bytes that make a cell need quotes; 0xEF may begin a byte order mark.
_SPECIAL, _BOM_LEAD = b'",\n\r', 0xEF
#: How JSON, XML, scripts, dumps and documents begin, over one line or several.
_MISLEADING = (b"{", b"[", b"<", b"#", b"%", b"--")
#: A first line that names the delimiter of those after it.
_SEPARATOR = b"sep="


def csv_lines(keys: Column, *, first: bool = False, last_cell: str | None = None) -> bytes:
    """Spell keys as CSV lines ending in a newline.

    Read by ``csv.reader``, or imported again, the first cells are the keys byte for byte,
    also when the parts of several calls are joined: a key is quoted if it holds a quote, a
    comma or a newline, if it is empty, or if it begins with U+FEFF, which at the start of a
    file would be dropped as a byte order mark.

    Cost: over 50 M UUIDs/s, 10 M/s for keys of different lengths.

    Args:
        keys: binary or string (large or not), no nulls; under 2 GiB.
        first: Whether the file begins with them. The first key is then in quotes, too, if a file
            that begins with it could be taken for something else than a list.
        last_cell: A second cell of every line that needs no quotes itself, such as a name.
    """
    if len(keys) == 0:
        return b""
    view = ColumnView.of(keys)
    needing = _find_needing_quotes(keys, view)
    needing[0] |= first and _misleads(view.data[: view.lengths[0]].tobytes())
    if needing.any():
        keys = _quote(keys, needing)
        view = ColumnView.of(keys)
    end = b"\n" if last_cell is None else f",{last_cell}\n".encode()
    width = view.width
    if width is None:
        return _join_lines(keys, end)
    lines = np.empty((len(keys), width + len(end)), np.uint8)
    lines[:, :width] = view.data.reshape(-1, width)
    lines[:, width:] = np.frombuffer(end, np.uint8)
    return lines.tobytes()


def _misleads(key: bytes) -> bool:
    """Whether a file that begins with this line may be taken for something else than a list."""
    return (
        key[:1].isspace()
        or key.startswith(_MISLEADING)
        or key[: len(_SEPARATOR)].lower() == _SEPARATOR
        or name_foreign_file(key) is not None
        or name_foreign_text(key) is not None
    )


def _find_needing_quotes(keys: Column, view: ColumnView) -> np.ndarray:
    """A bool for each key."""
    data = view.data
    needing: np.ndarray = view.lengths == 0
    for byte in _SPECIAL:
        found = np.flatnonzero(data == byte)
        if len(found):
            needing[view.rows_at(found)] = True
    if (data == _BOM_LEAD).any():
        needing |= pc.starts_with(keys, pattern="\ufeff").to_numpy(zero_copy_only=False)
    return needing


def _quote(keys: Column, needing: np.ndarray) -> Column:
    """The same keys, those that need it with quotes around and inner quotes doubled."""
    doubled = pc.replace_substring(keys, pattern='"', replacement='""')
    quote = pa.scalar(b'"', keys.type)
    no_separator = pa.scalar(b"", keys.type)
    wrapped: Any = pc.binary_join_element_wise(quote, doubled, quote, no_separator)
    return cast("Column", pc.if_else(pa.array(needing), wrapped, keys))


def _join_lines(keys: Column, end: bytes) -> bytes:
    """All keys with an end after each, by Arrow's own join of one list of them."""
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(keys)], pa.int64()), keys)
    joined: Any = pc.binary_join(whole, pa.scalar(end, keys.type))
    return bytes(joined[0].as_buffer()) + end
