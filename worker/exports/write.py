"""Writes the members of a list as a list file."""

from collections.abc import Callable, Iterable

from worker.byte_columns import Column
from worker.export_options import ExportFormat
from worker.lists.byte_streams import Sink
from worker.lists.csv.writer import csv_lines
from worker.lists.parquet.writer import ParquetKeyWriter
from worker.store.members import unpack_members


def write_members(
    members: Iterable[Column],
    sink: Sink,
    file_format: ExportFormat,
    on_rows: Callable[[int], None],
) -> int:
    """Write packed members as keys, in the order given.

    Holds one column of members, or one row group for Parquet.

    Args:
        members: Packed members, some tens of thousands a column.
        sink: Needs only ``write(bytes)``.
        file_format: Format of the file.
        on_rows: Called with the rows of each column.

    Returns:
        Rows written.
    """
    total = 0
    if file_format == "parquet":
        with ParquetKeyWriter(sink) as writer:
            for column in members:
                writer.write(unpack_members(column))
                on_rows(len(column))
                total += len(column)
        return total
    for column in members:
        sink.write(csv_lines(unpack_members(column)))
        on_rows(len(column))
        total += len(column)
    return total
