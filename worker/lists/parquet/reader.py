"""The column of a Parquet file that holds the keys, row group by row group.

Runs in the child process only (``child.py``): a file may be damaged so that the library ends
the process, or may claim far more than it holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from worker.byte_columns import Column
from worker.lists.byte_streams import RandomAccess
from worker.lists.errors import UnreadableList, UnsupportedColumn, UnusableList
from worker.lists.parquet.cells import CellBudget, truncate
from worker.lists.parquet.columns import (
    KeyColumn,
    ToCells,
    choose_column,
    converter,
    is_text,
    level_of_text,
)
from worker.lists.parquet.pages.compression import COMPRESSIONS
from worker.lists.parquet.pages.streams import ColumnChunk
from worker.lists.parquet.type_advice import advise_type, describe_schema

#: Bytes of a column chunk fetched by one read: few reads, because each may cost a
#: request to the object store, and no whole column chunk in memory.
_READ_BYTES = 16 * 1024 * 1024
#: Bytes of cells a batch is sized for; batches of long cells have fewer rows.
_BATCH_BYTES = 16 * 1024 * 1024
BATCH_ROWS: Final = 65_536
#: Row groups of a file. One of a million rows is usual; each costs a part of a unit of work.
MOST_ROW_GROUPS: Final = 20_000
#: Rows that any file may hold, however small it is, and rows for each byte of its column. A
#: sorted column of numbers or repetitions takes a byte for hundreds of rows.
_FREE_ROWS: Final = 10_000_000
_ROWS_A_BYTE: Final = 2_000


@dataclass(frozen=True, slots=True)
class RowGroup:
    """What planning needs to know of one row group."""

    rows: int
    """Rows in it."""
    column_bytes: int
    """Bytes of the column of the keys, uncompressed."""


@dataclass(frozen=True, slots=True)
class ParquetList:
    """A Parquet file of which a column holds keys."""

    row_groups: tuple[RowGroup, ...]
    """In file order."""
    schema: str
    """One line, ``name: type`` for each column."""
    text_elsewhere: bool = False
    """Whether the first column is a number, another one is text, and neither was asked for."""
    column: int = 0
    """The column of the keys, from 0."""


def open_parquet(
    file: RandomAccess, size: int, *, number: int | None = None, name: str | None = None
) -> ParquetList:
    """Read the footer: the row groups, and the column of the keys.

    Cost: one or two reads at the end of the file.

    Args:
        file: Random access; errors of its reads are passed on.
        size: Its bytes.
        number: The column that is asked for, from 0.
        name: Or its name. Without either it is the first that is not pandas' index.

    Raises:
        UnreadableList: Not a Parquet file, a truncated or an encrypted one, or one that
            claims more than it can hold.
        UnsupportedColumn: The column is of another type than keys may have.
        ColumnNotFound: There is no such column.
    """
    parquet, column, _ = _open(file, size, number, name)
    with _report_damage():
        metadata, schema = parquet.metadata, parquet.schema_arrow
        groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
        return ParquetList(
            tuple(
                RowGroup(it.num_rows, it.column(column.leaf).total_uncompressed_size)
                for it in groups
            ),
            describe_schema(schema),
            number is None
            and name is None
            and not is_text(schema.field(column.number).type)
            and any(is_text(field.type) for field in schema),
            column.number,
        )


def read_cells(
    file: RandomAccess,
    size: int,
    first: int,
    last: int,
    batch_rows: int = BATCH_ROWS,
    number: int | None = None,
    *,
    skip: int = 0,
) -> Iterator[Column]:
    """Yield the cells of the row groups ``first`` to ``last``, both included, in file order.

    Reads the footer and the column's bytes, nothing else, in order. Memory: one
    read of at most 16 MiB, its decompressed page and one batch; a file whose dictionary
    holds very long cells may decode to more.

    Args:
        file: As of ``open_parquet``.
        size: Its bytes.
        first: Number of the first row group, from 0.
        last: Number of the last one, itself included.
        batch_rows: Most rows in one batch; fewer where cells are long.
        number: As of ``open_parquet``.
        skip: Rows of the first row group that are left out.

    Yields:
        binary or large_binary, without nulls: a null cell is empty. Cells that are too
        long for a key are cut to one byte too many.

    Raises:
        UnreadableList: The file is damaged, or decodes to more than its bytes can hold.
        UnsupportedColumn: As ``open_parquet``.
    """
    parquet, column, to_cells = _open(file, size, number, None)
    budget = CellBudget()
    for index in range(first, last + 1):
        with _report_damage():
            group = parquet.metadata.row_group(index)
            budget.expect(group.column(column.leaf).total_compressed_size)
            cell_bytes = group.column(column.leaf).total_uncompressed_size // max(group.num_rows, 1)
            rows = max(1, min(batch_rows, _BATCH_BYTES // max(cell_bytes, 1)))
            # By number, because two columns may share a name and a name may hold a dot.
            batches = parquet.reader.iter_batches(
                rows, row_groups=[index], column_indices=[column.leaf], use_threads=False
            )
            found = 0
            for batch in batches:
                cells = truncate(to_cells(batch.column(0)))
                budget.spend(cells)
                found += len(cells)
                left_out = min(skip, len(cells))
                skip -= left_out
                if left_out < len(cells):
                    yield cells[left_out:]
            if found != group.num_rows:
                raise UnreadableList(
                    f"row group {index} has {found:,} rows and its footer says {group.num_rows:,}"
                )


def list_chunks(
    file: RandomAccess, size: int, first: int, last: int, number: int | None = None
) -> list[ColumnChunk]:
    """List the column's chunks in those row groups whose pages may be read without the library.

    Ends before the first one that may not; the arguments are those of ``read_cells``.

    Raises:
        UnreadableList: As ``open_parquet``.
        UnsupportedColumn: As ``open_parquet``.
    """
    parquet, column, _ = _open(file, size, number, None)
    chunks: list[ColumnChunk] = []
    with _report_damage():
        level = level_of_text(parquet, column)
        for index in range(first, last + 1):
            group = parquet.metadata.row_group(index)
            stored = group.column(column.leaf)
            start = stored.data_page_offset
            dictionary = stored.dictionary_page_offset if stored.has_dictionary_page else None
            if dictionary is not None and 0 < dictionary < start:
                start = dictionary
            end = start + stored.total_compressed_size
            usual = (
                stored.num_values == group.num_rows
                and stored.compression in COMPRESSIONS
                and 0 < start <= end <= size
            )
            if level is None or not usual:
                break
            chunks.append(
                ColumnChunk(start, end - start, group.num_rows, stored.compression, level > 0)
            )
    return chunks


def _check_footer(metadata: pq.FileMetaData, size: int, leaf: int = 0) -> None:
    """Refuse a footer that contradicts itself, or claims more than its file can hold.

    Args:
        metadata: The footer.
        size: Bytes of the file.
        leaf: The column that is read.

    Raises:
        UnreadableList: It does; the message names the bound.
    """
    count = metadata.num_row_groups
    if count > MOST_ROW_GROUPS:
        raise UnreadableList(
            f"it has {count:,} row groups, over the limit of {MOST_ROW_GROUPS:,}; write fewer"
        )
    rows = stored = 0
    for index in range(count):
        group = metadata.row_group(index)
        if group.num_columns <= leaf:
            continue
        column = group.column(leaf)
        if min(group.num_rows, column.total_compressed_size, column.total_uncompressed_size) < 0:
            raise UnreadableList(f"row group {index} claims a negative size")
        rows += group.num_rows
        stored += column.total_compressed_size
    if stored > size:
        raise UnreadableList(f"its row groups claim {stored:,} bytes and the file has {size:,}")
    if rows > _FREE_ROWS + _ROWS_A_BYTE * stored:
        raise UnreadableList(f"it claims {rows:,} rows in {stored:,} bytes, which cannot hold them")


def _open(
    file: RandomAccess, size: int, number: int | None, name: str | None
) -> tuple[pq.ParquetFile, KeyColumn, ToCells]:
    with _report_damage():
        # Pages that were changed may still decode, to other keys; some writers add checksums.
        parquet = pq.ParquetFile(
            file, buffer_size=_READ_BYTES, pre_buffer=False, page_checksum_verification=True
        )
        _check_footer(parquet.metadata, size)
        schema = parquet.schema_arrow
        column = choose_column(parquet, number, name)
        if column.leaf:
            _check_footer(parquet.metadata, size, column.leaf)
        to_cells = converter(parquet, column)
        if to_cells is None:
            raise UnsupportedColumn(advise_type(schema, column.number), describe_schema(schema))
    return parquet, column, to_cells


@contextmanager
def _report_damage() -> Iterator[None]:
    """Translate pyarrow's errors about damaged bytes; the file's own errors pass."""
    try:
        yield
    except UnusableList:
        raise
    except OSError as exc:
        # pyarrow reports damage as a plain OSError without a number; one with a number or
        # of a more exact type comes from the file.
        if type(exc) is not OSError or exc.errno is not None:
            raise
        raise UnreadableList(_reason(exc)) from exc
    except UnicodeDecodeError as exc:
        raise UnreadableList("a name in its footer is not UTF-8") from exc
    except MemoryError as exc:
        reason = "decoding a page takes more memory than BIGSEG_PARQUET_MEMORY_BYTES"
        raise UnreadableList(reason) from exc
    except pa.ArrowNotImplementedError as exc:
        # Such as integers of 128 bits in any of its columns, which no other reader has.
        remedy = "write the column that is so as text, or leave it out"
        raise UnreadableList(_reason(exc), remedy) from exc
    except (pa.ArrowException, ValueError, OverflowError, TypeError, RecursionError) as exc:
        raise UnreadableList(_reason(exc)) from exc


def _reason(exc: Exception) -> str:
    return str(exc).split("\n", maxsplit=1)[0].rstrip(". ")
