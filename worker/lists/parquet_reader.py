"""The first column of a Parquet file, row group by row group."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from worker.lists.errors import UnreadableList, UnsupportedColumn
from worker.lists.keys import KeyBatch, validate
from worker.lists.parquet_columns import ToCells, converter

#: Random access: read, seek and tell; closing it stays with the caller.
RandomAccess: TypeAlias = pa.NativeFile | IO[bytes]

#: Bytes of a column chunk fetched by one read: few reads, because each may cost a
#: request to the object store, and no whole column chunk in memory.
_READ_BYTES = 16 * 1024 * 1024
#: Bytes of cells a batch is sized for; batches of long cells have fewer rows.
_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RowGroup:
    """What planning needs to know of one row group."""

    rows: int
    """Rows in it."""
    column_bytes: int
    """Bytes of its first column, uncompressed."""


@dataclass(frozen=True, slots=True)
class ParquetList:
    """A Parquet file whose first column holds keys."""

    row_groups: tuple[RowGroup, ...]
    """In file order."""
    schema: str
    """One line, ``name: type`` for each column."""


def open_parquet(file: RandomAccess) -> ParquetList:
    """Read the footer: the row groups and whether the first column holds keys.

    Cost: one or two reads at the end of the file.

    Raises:
        UnreadableList: Not a Parquet file, a truncated or an encrypted one.
        UnsupportedColumn: The first column is of another type than keys may have.
    """
    parquet, _ = _opened(file)
    metadata = parquet.metadata
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    return ParquetList(
        tuple(RowGroup(it.num_rows, it.column(0).total_uncompressed_size) for it in groups),
        _one_line(parquet.schema_arrow),
    )


def read_row_groups(
    file: RandomAccess, first: int, last: int, batch_rows: int = 65_536
) -> Iterator[KeyBatch]:
    """Yield the keys of the row groups ``first`` to ``last``, both included, in file order.

    Reads the footer and the first column's bytes, nothing else, in order. Memory: one
    read of at most 16 MiB, its decompressed page and one batch; a file whose dictionary
    holds very long cells may decode to more.

    Args:
        file: Random access; a read of it may raise what it likes, and that is passed on.
        first: Number of the first row group, from 0.
        last: Number of the last one, itself included.
        batch_rows: Most rows in one batch; fewer where cells are long.

    Raises:
        UnreadableList: The file is damaged.
        UnsupportedColumn: As ``open_parquet``.
    """
    parquet, to_cells = _opened(file)
    for index in range(first, last + 1):
        group = parquet.metadata.row_group(index)
        cell_bytes = group.column(0).total_uncompressed_size // max(group.num_rows, 1)
        rows = max(1, min(batch_rows, _BATCH_BYTES // max(cell_bytes, 1)))
        with _damage_reported():
            # By number, because two columns may share a name and a name may hold a dot.
            batches = parquet.reader.iter_batches(
                rows, row_groups=[index], column_indices=[0], use_threads=False
            )
            for batch in batches:
                yield validate(to_cells(batch.column(0)))


def _opened(file: RandomAccess) -> tuple[pq.ParquetFile, ToCells]:
    with _damage_reported():
        parquet = pq.ParquetFile(file, buffer_size=_READ_BYTES, pre_buffer=False)
        schema = parquet.schema_arrow
        to_cells = converter(parquet)
    if to_cells is None:
        raise UnsupportedColumn(_one_line(schema))
    return parquet, to_cells


def _one_line(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema) or "no columns"


@contextmanager
def _damage_reported() -> Iterator[None]:
    """Turn what pyarrow says of damaged bytes into ours; the file's own errors pass."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowSerializationError) as exc:
        raise UnreadableList(_reason(exc)) from exc
    except OSError as exc:
        # pyarrow reports damage as a plain OSError without a number; one with a number or
        # of a more exact type comes from the file.
        if type(exc) is not OSError or exc.errno is not None:
            raise
        raise UnreadableList(_reason(exc)) from exc


def _reason(exc: Exception) -> str:
    return str(exc).split("\n", maxsplit=1)[0].rstrip(". ")
