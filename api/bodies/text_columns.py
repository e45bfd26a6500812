"""Large arrays of strings in a JSON body, read as columns without an object for each string.

Python's parser holds the interpreter for 20 ms of 100,000 strings, in which no look-up is
answered; Arrow's works beside it. It reads only bodies that are exactly as expected: whatever
else comes is left to the parser whose refusals say what is wrong.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from worker.byte_columns import Column, ColumnView
from worker.context_keys import KEY_LIMIT_BYTES, fault_of

_TEXTS: Final = pa.list_(pa.string())
_FIRST_PRINTABLE, _LAST_PRINTABLE = b"!~"


def read_text_columns(raw: bytes, names: Iterable[str]) -> Mapping[str, Column] | None:
    """Read a JSON object whose fields all are arrays of strings.

    Cost: 30 to 60 ms for 4 MB, without the interpreter's lock; call it in a thread.

    Args:
        raw: the body.
        names: the fields, each of which must be there.

    Returns:
        A column of text for each; ``None`` if the body is anything else, wrong or not.
    """
    fields = pa.schema([(name, _TEXTS) for name in names])
    try:
        table = arrow_json.read_json(
            io.BytesIO(raw),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(raw) + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=fields, newlines_in_values=True, unexpected_field_behavior="error"
            ),
        )
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    if table.num_rows != 1 or table.schema != fields:
        return None
    columns = {}
    for name in fields.names:
        lists: Any = table.column(name).combine_chunks()
        texts: Column = lists.flatten()
        if lists.null_count or texts.null_count:
            return None
        columns[name] = texts
    return columns


def find_bad_key(keys: Column) -> tuple[int, str] | None:
    """The first row that is no context key, and why.

    Cost: a pass over the bytes, and a microsecond for each key that is not short printable ASCII.

    Args:
        keys: text, without nulls.
    """
    view = ColumnView.of(keys)
    doubtful = (view.lengths == 0) | (view.lengths > KEY_LIMIT_BYTES)
    unusual = (view.data < _FIRST_PRINTABLE) | (view.data > _LAST_PRINTABLE)
    doubtful[view.rows_at(np.flatnonzero(unusual))] = True
    for row in np.flatnonzero(doubtful).tolist():
        fault = fault_of(keys[row].as_py())
        if fault is not None:
            return row, fault
    return None
