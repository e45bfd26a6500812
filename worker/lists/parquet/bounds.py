"""What a Parquet footer may claim: bounds on the work a few bytes can ask for."""

from typing import Final

import pyarrow.parquet as pq

from worker.lists.errors import UnreadableList

#: Row groups of a file. One of a million rows is usual; each costs a part of a unit of work.
MOST_ROW_GROUPS: Final = 20_000
#: Rows that any file may hold, however small it is, and rows for each byte of its column. A
#: sorted column of numbers or repetitions takes a byte for hundreds of rows.
_FREE_ROWS: Final = 10_000_000
_ROWS_A_BYTE: Final = 2_000
#: The same for bytes of cells.
_FREE_CELL_BYTES: Final = 512 * 1024 * 1024
_CELL_BYTES_A_BYTE: Final = 1_000


def check_footer(metadata: pq.FileMetaData, size: int) -> None:
    """Refuse a footer that contradicts itself, or claims more than its file can hold.

    Args:
        metadata: The footer.
        size: Bytes of the file.

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
        if group.num_columns == 0:
            continue
        column = group.column(0)
        if min(group.num_rows, column.total_compressed_size, column.total_uncompressed_size) < 0:
            raise UnreadableList(f"row group {index} claims a negative size")
        rows += group.num_rows
        stored += column.total_compressed_size
    if stored > size:
        raise UnreadableList(f"its row groups claim {stored:,} bytes and the file has {size:,}")
    if rows > _FREE_ROWS + _ROWS_A_BYTE * stored:
        raise UnreadableList(f"it claims {rows:,} rows in {stored:,} bytes, which cannot hold them")


def most_cell_bytes(stored: int) -> int:
    """Bytes of cells that a column of so many stored bytes may decode to."""
    return _FREE_CELL_BYTES + _CELL_BYTES_A_BYTE * stored
