"""Which Parquet columns hold context keys, and how each type becomes their bytes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from worker.byte_columns import Column, uniform_column
from worker.lists.column_names import find_named
from worker.lists.errors import ColumnNotFound

#: Turns a column into binary or large_binary; nulls stay null.
ToCells: TypeAlias = Callable[[Column], Column]

_UUID_BYTES = 16
#: What pandas calls an index without a name.
_INDEX_NAME: Final = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """The column of a file that holds the keys."""

    number: int
    """Among the columns of the schema, from 0."""
    leaf: int
    """Among the columns of values, of which a nested column has several."""


def choose_column(file: pq.ParquetFile, number: int | None, name: str | None) -> KeyColumn:
    """Find the column of the keys: the one that is asked for, or else `_column_of_frame`'s.

    Args:
        file: The file.
        number: From 0.
        name: As it is in the schema, or spelled in other cases.

    Raises:
        ColumnNotFound: There is none, or several have the name.
    """
    schema = file.schema_arrow
    if name is not None:
        found = find_named(schema.names, name)
        if len(found) > 1:
            raise ColumnNotFound(f"{len(found)} columns of the list are named {name}")
        if not found:
            count = len(schema)
            raise ColumnNotFound(f"none of the {count} columns of the list is named {name}")
        number = found[0]
    if number is None:
        number = _column_of_frame(schema)
    if len(schema) and number >= len(schema):
        raise ColumnNotFound(f"the list has {len(schema)} columns, not {number + 1}")
    leaves = (_count_leaves(field.type) for field in list(schema)[:number])
    return KeyColumn(number, sum(leaves))


def _column_of_frame(schema: pa.Schema) -> int:
    """The column that a table of pandas would have first as CSV, but for row numbers.

    pandas puts an index behind the other columns in Parquet and before them in CSV. One with a
    name that holds text is what the rows are called, and any other is no list.
    """
    names, indexes = schema.names, _index_columns(schema)
    if len(indexes) == 1 and _is_named_text(schema, indexes[0]):
        return names.index(indexes[0])
    for number, name in enumerate(names):
        if not (_INDEX_NAME.fullmatch(name) or name in indexes):
            return number
    return 0


def _is_named_text(schema: pa.Schema, index: Any) -> bool:  # noqa: ANN401 - metadata is anyone's
    if not isinstance(index, str) or _INDEX_NAME.fullmatch(index):
        return False
    return schema.names.count(index) == 1 and is_text(schema.field(index).type)


def _index_columns(schema: pa.Schema) -> list[Any]:
    try:
        metadata: Any = schema.pandas_metadata
        found = (metadata or {}).get("index_columns", [])
    except (ValueError, AttributeError, RecursionError):
        return []  # metadata is anyone's, and only a hint
    return found if isinstance(found, list) else []


def _count_leaves(kind: Any) -> int:  # noqa: ANN401 - any Arrow type
    if isinstance(kind, pa.BaseExtensionType):
        return _count_leaves(kind.storage_type)
    if types.is_dictionary(kind) or kind.num_fields == 0:
        return 1
    return sum(_count_leaves(kind.field(place).type) for place in range(kind.num_fields))


def converter(file: pq.ParquetFile, column: KeyColumn) -> ToCells | None:
    """How to read a file's column as keys; None if its type has no text form.

    A fixed-size binary column is a UUID only if the file says so: what other sixteen
    bytes would be as text cannot be known.
    """
    schema = file.schema_arrow
    if len(schema) == 0:
        return None
    kind: Any = schema.field(column.number).type
    if types.is_fixed_size_binary(kind):
        return _uuid_text if _says_uuid(file, column) else None
    return converter_of(kind)


def converter_of(kind: Any) -> ToCells | None:  # noqa: ANN401 - any Arrow type
    """How to read columns of a type as keys; None if it has no text form, or by itself none."""
    if isinstance(kind, pa.ExtensionType | pa.BaseExtensionType):
        return _uuid_text if kind.extension_name == "arrow.uuid" else None
    if types.is_dictionary(kind):
        return _dictionary_values if is_text(kind.value_type) else None
    # A fraction has several spellings as a key, a whole number has one.
    whole = types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0)
    if whole or types.is_null(kind):
        return _decimal_text
    return _bytes if is_text(kind) else None


def _says_uuid(file: pq.ParquetFile, column: KeyColumn) -> bool:
    # A file written without Arrow's own schema, read where Arrow has no type for it.
    return str(file.schema.column(column.leaf).logical_type.type) == "UUID"


def level_of_text(file: pq.ParquetFile, column: KeyColumn) -> int | None:
    """The definition level of a value that is there, 0 or 1; None unless each value is bytes."""
    stored = file.schema.column(column.leaf)
    kind: Any = file.schema_arrow.field(column.number).type
    if types.is_dictionary(kind):
        kind = kind.value_type
    level = int(stored.max_definition_level)
    usual = (
        stored.physical_type == "BYTE_ARRAY"
        and stored.max_repetition_level == 0
        and level <= 1
        and is_text(kind)
    )
    return level if usual else None


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text, or bytes that may be text."""
    tests = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
        types.is_binary_view,
    )
    return any(test(kind) for test in tests)


def _bytes(column: Column) -> Column:
    large = types.is_large_string(column.type) or types.is_large_binary(column.type)
    return column.cast(pa.large_binary() if large else pa.binary())


def _dictionary_values(column: Column) -> Column:
    return _bytes(cast("pa.DictionaryArray[Any, Any]", column).dictionary_decode())


def _decimal_text(column: Column) -> Column:
    return column.cast(pa.string()).cast(pa.binary())


def _uuid_text(column: Column) -> Column:
    """``8-4-4-4-12`` lower-case hex digits."""
    storage: Any = column.storage if isinstance(column, pa.ExtensionArray) else column
    filled = storage.fill_null(bytes(_UUID_BYTES)) if storage.null_count else storage
    first, end = filled.offset * _UUID_BYTES, (filled.offset + len(filled)) * _UUID_BYTES
    digits = np.frombuffer(bytes(filled.buffers()[1][first:end]).hex().encode(), np.uint8)
    digits = digits.reshape(len(filled), 2 * _UUID_BYTES)
    text = np.full((len(filled), 36), ord("-"), np.uint8)
    for target, source, width in ((0, 0, 8), (9, 8, 4), (14, 12, 4), (19, 16, 4), (24, 20, 12)):
        text[:, target : target + width] = digits[:, source : source + width]
    cells = uniform_column(text)
    if storage.null_count == 0:
        return cells
    return cast("Column", pc.if_else(storage.is_valid(), cells, pa.scalar(None, pa.binary())))
