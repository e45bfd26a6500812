"""Writes the members of shards as a list file."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

import pyarrow as pa

from worker.byte_columns import Column
from worker.lists.byte_streams import Sink
from worker.lists.csv.writer import csv_lines
from worker.lists.parquet.writer import ParquetKeyWriter
from worker.store.members import unpack_members

#: Members turned into text together: enough to make the column-wise code worthwhile.
_ROWS_PER_BLOCK: Final = 65_536


def write_members(
    shards: Iterable[list[bytes]],
    sink: Sink,
    file_format: Literal["csv", "parquet"],
    on_rows: Callable[[int], None],
) -> int:
    """Write packed members as keys, in the order given.

    Holds one block of members, or one row group for Parquet.

    Args:
        shards: Packed members, a few shards at a time.
        sink: Needs only ``write(bytes)``.
        file_format: Format of the file.
        on_rows: Called with the rows of each block.

    Returns:
        Rows written.
    """
    total = 0
    if file_format == "parquet":
        with ParquetKeyWriter(sink) as writer:
            for keys in _blocks(shards):
                writer.write(keys)
                on_rows(len(keys))
                total += len(keys)
        return total
    for keys in _blocks(shards):
        sink.write(csv_lines(keys))
        on_rows(len(keys))
        total += len(keys)
    return total


def _blocks(shards: Iterable[list[bytes]]) -> Iterator[Column]:
    members: list[bytes] = []
    for shard in shards:
        members += shard
        if len(members) >= _ROWS_PER_BLOCK:
            yield unpack_members(pa.array(members, pa.binary()))
            members = []
    if members:
        yield unpack_members(pa.array(members, pa.binary()))
