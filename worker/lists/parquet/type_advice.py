"""What to do about a column of a type that keys cannot have."""

from typing import Any, Final

import pyarrow as pa
from pyarrow import types

from worker.lists.parquet.columns import converter_of

_KEYS: Final = (
    "keys are string, binary holding UTF-8, integer, decimal without decimal places or UUID"
)
_AS_TEXT: Final = "write it as text, for example CAST(… AS VARCHAR)"
#: As text, 12 would be 12.0.
_WHOLE: Final = "if its numbers are whole, write it as CAST(… AS DECIMAL(38, 0))"
_WHOLE_FLOATS: Final = (
    f'{_WHOLE}; in pandas, where integers become floats once one is missing, as .astype("Int64")'
)
_ELEMENTS: Final = "write each element in a row of its own"
_FIELD: Final = "write the field that holds the keys as a column of its own"
_BYTES: Final = "if it holds UUIDs, write it as type UUID or as text; other bytes, as hexadecimals"
_JSON: Final = "write the text in it, as ->> '$' does in SQL"
#: The first that matches counts.
_REMEDIES: Final = (
    (types.is_floating, _WHOLE_FLOATS),
    (types.is_decimal, _WHOLE),
    (types.is_fixed_size_binary, _BYTES),
    (types.is_struct, _FIELD),
    (types.is_map, _FIELD),
    (types.is_nested, _ELEMENTS),
)
#: Other columns that are named.
_MOST_NAMED: Final = 3


def describe_schema(schema: pa.Schema) -> str:
    """One line, ``name: type`` for each column."""
    return ", ".join(f"{field.name}: {field.type}" for field in schema) or "no columns"


def advise_type(schema: pa.Schema, number: int) -> str:
    """Say of which type a column is, which others could hold the keys, and how it could.

    Args:
        schema: All columns.
        number: The one that was chosen, from 0.
    """
    if number >= len(schema):
        return f"it has no column, and {_KEYS}"
    field = schema.field(number)
    others = [other.name for other in schema if converter_of(other.type) is not None]
    choose = ""
    if others:
        choose = f"send column with another one ({', '.join(others[:_MOST_NAMED])}), or "
    return f"column {number + 1} is {field.type}, and {_KEYS}: {choose}{_remedy(field.type)}"


def _remedy(kind: Any) -> str:  # noqa: ANN401 - any Arrow type
    if isinstance(kind, pa.BaseExtensionType):
        return _JSON if kind.extension_name == "arrow.json" else _AS_TEXT
    if types.is_dictionary(kind):
        return _remedy(kind.value_type)
    return next((remedy for test, remedy in _REMEDIES if test(kind)), _AS_TEXT)
