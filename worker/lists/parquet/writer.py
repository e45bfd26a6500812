"""Context keys as Parquet: one string column ``key``, zstd, bounded row groups."""

from types import TracebackType
from typing import IO, Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from worker.byte_columns import Column
from worker.lists.byte_streams import Sink

#: Rows of a row group: what a reader has to hold, and the least an import can split.
ROW_GROUP_ROWS = 1_000_000
#: Bytes of keys of a row group, for lists of long keys.
ROW_GROUP_BYTES = 64 * 1024 * 1024

_SCHEMA_FIELD = "key"


class _Gate:
    """The sink until it is shut: pyarrow's writer adds a footer even when thrown away."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.closed = False

    def write(self, data: bytes | pa.Buffer) -> int:
        if not self.closed:
            self._sink.write(data if isinstance(data, bytes) else data.to_pybytes())
        return len(data)

    def flush(self) -> None:
        """Leave flushing to whoever owns the sink."""

    def close(self) -> None:
        """Leave closing to whoever owns the sink."""


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
    ) -> None:
        """Args: ``sink`` needs only ``write(bytes)``; it is not closed here."""
        self._schema = pa.schema([pa.field(_SCHEMA_FIELD, pa.string(), nullable=False)])
        # Keys are distinct: a dictionary would only be built and thrown away.
        self._gate = _Gate(sink)
        self._writer = pq.ParquetWriter(
            cast("IO[bytes]", self._gate), self._schema, compression="zstd", use_dictionary=False
        )
        self._row_group_rows = row_group_rows
        self._row_group_bytes = row_group_bytes
        self._pending: list[Any] = []
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
            self._gate.closed = True

    def write(self, keys: Column) -> None:
        """Add keys.

        Args:
            keys: binary or string (large or not), valid UTF-8, no nulls.
        """
        text = keys.cast(pa.string())
        key_bytes = text.nbytes // max(len(text), 1) + 1
        step = max(1, min(self._row_group_rows, self._row_group_bytes // key_bytes))
        for first in range(0, len(text), step):
            self._add(text.slice(first, step))

    def close(self) -> None:
        """Write what is pending and the footer; safe to call twice."""
        if self._pending:
            self._flush()
        self._writer.close()

    def _add(self, text: Column) -> None:
        rows = self._pending_rows + len(text)
        if self._pending and (
            rows > self._row_group_rows or self._pending_bytes + text.nbytes > self._row_group_bytes
        ):
            self._flush()
        self._pending.append(text)
        self._pending_rows += len(text)
        self._pending_bytes += text.nbytes

    def _flush(self) -> None:
        column = pa.chunked_array(self._pending, pa.string())
        table = pa.table([column], schema=self._schema)
        self._writer.write_table(table, row_group_size=self._pending_rows)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
