"""Context keys as JSON Lines: an object a line, ``{"key":"…"}``, re-importable as it is."""

import json
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView

#: Bytes that JSON has an escape for in a text. Keys hold no others.
_ESCAPED: Final = b'"\\'


def json_lines(keys: Column, **constants: str) -> bytes:
    """Spell keys as objects, a line each, ending in a newline.

    Cost: 0.2 µs a key; 2 µs for one that holds a quote or a backslash.

    Args:
        keys: string or binary, valid UTF-8, no nulls, under 2 GiB; without control characters.
        constants: Further fields, the same in each object.
    """
    if len(keys) == 0:
        return b""
    text = keys.cast(pa.string())
    escaped = _find_escaped(ColumnView.of(text))
    if escaped.any():
        mask = pa.array(escaped)
        found: list[Any] = text.filter(mask).to_pylist()
        spelled = pa.array([json.dumps(key, ensure_ascii=False)[1:-1] for key in found])
        text = cast("Column", pc.replace_with_mask(text, mask, spelled))
    tail = "".join(f',"{name}":{json.dumps(value)}' for name, value in constants.items())
    parts: list[Any] = [pa.scalar('{"key":"'), text, pa.scalar(f'"{tail}}}\n'), pa.scalar("")]
    lines: Any = pc.binary_join_element_wise(*parts)
    return ColumnView.of(lines).data.tobytes()


def _find_escaped(view: ColumnView) -> np.ndarray:
    """A bool for each key."""
    found = np.zeros(view.rows, bool)
    for byte in _ESCAPED:
        places = np.flatnonzero(view.data == byte)
        if len(places):
            found[view.rows_at(places)] = True
    return found
