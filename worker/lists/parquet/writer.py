"""Context keys as Parquet: a string column ``key``, zstd, bounded row groups."""

from types import TracebackType
from typing import IO, Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from worker.byte_columns import Column
from worker.lists.byte_streams import Sink
from worker.lists.sink_gate import SinkGate

#: Rows of a row group: what a reader has to hold, and the least an import can split.
ROW_GROUP_ROWS = 1_000_000
#: Bytes of keys of a row group, for lists of long keys.
ROW_GROUP_BYTES = 64 * 1024 * 1024

_KEY, _SIDE = "key", "side"


class ParquetKeyWriter:
    """Writes keys to a sink; holds one row group of them at most.

    A context manager. Once it is left by an exception nothing more is written, no footer
    either, so that half a list is never taken for a whole one.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        row_group_rows: int = ROW_GROUP_ROWS,
        row_group_bytes: int = ROW_GROUP_BYTES,
        with_side: bool = False,
    ) -> None:
        """Open a file.

        Args:
            sink: Needs only ``write(bytes)``; it is not closed here.
            row_group_rows: The most rows of a row group.
            row_group_bytes: The most bytes of the keys of one.
            with_side: Whether a second column says which list a key is from.
        """
        names = [_KEY, _SIDE] if with_side else [_KEY]
        self._schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in names])
        self._gate = SinkGate(sink)
        # Keys are distinct: a dictionary would only be built and thrown away.
        with_dictionary: Any = [_SIDE] if with_side else False
        self._writer = pq.ParquetWriter(
            cast("IO[bytes]", self._gate),
            self._schema,
            compression="zstd",
            use_dictionary=with_dictionary,
        )
        self._row_group_rows = row_group_rows
        self._row_group_bytes = row_group_bytes
        self._pending: list[tuple[Column, str]] = []
        self._pending_rows = 0
        self._pending_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._gate.shut()

    def write(self, keys: Column, side: str = "") -> None:
        """Add keys.

        Args:
            keys: binary or string (large or not), valid UTF-8, no nulls.
            side: The list that they are from, if that is written.
        """
        text = keys.cast(pa.string())
        key_bytes = text.nbytes // max(len(text), 1) + 1
        step = max(1, min(self._row_group_rows, self._row_group_bytes // key_bytes))
        for first in range(0, len(text), step):
            self._add(text.slice(first, step), side)

    def close(self) -> None:
        """Write what is pending and the footer; safe to call twice."""
        if self._pending:
            self._flush()
        self._writer.close()

    def _add(self, text: Column, side: str) -> None:
        rows = self._pending_rows + len(text)
        if self._pending and (
            rows > self._row_group_rows or self._pending_bytes + text.nbytes > self._row_group_bytes
        ):
            self._flush()
        self._pending.append((text, side))
        self._pending_rows += len(text)
        self._pending_bytes += text.nbytes

    def _flush(self) -> None:
        keys = [text for text, _ in self._pending]
        sides: list[Any] = [pa.repeat(side, len(text)) for text, side in self._pending]
        columns = [pa.chunked_array(chunks, pa.string()) for chunks in (keys, sides)]
        table = pa.table(columns[: len(self._schema)], schema=self._schema)
        self._writer.write_table(table, row_group_size=self._pending_rows)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
