"""One file of an export: keys in, bytes of any format out, and their digest."""

import hashlib
from codecs import BOM_UTF8
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from worker.byte_columns import Column
from worker.lists.byte_streams import Sink
from worker.lists.csv.writer import csv_lines
from worker.lists.json_lines_writer import json_lines
from worker.lists.parquet.writer import ParquetKeyWriter
from worker.lists.spreadsheet import guard_cells
from worker.lists.text.compressing import CompressingSink
from worker.options.exports import ExportOptions
from worker.store.keyspace import Side

_HEADER: Final = {False: b"key\n", True: b"key,side\n"}


class _DigestingSink:
    """Passes bytes on and digests them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes | memoryview, /) -> object:
        self._sha256.update(data)
        return self._sink.write(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class ListFile:
    """Writes keys to a sink as the options say; a context manager.

    If the block raises, what was written does not read as a whole file, in formats that have an
    end marker. Memory: a column of keys, or one row group of Parquet.
    """

    def __init__(self, sink: Sink, options: ExportOptions) -> None:
        """Args: ``sink`` needs only ``write(bytes)``; it is not closed here."""
        self._digesting = _DigestingSink(sink)
        self._options = options
        self._with_side = options.side == "both"
        self._stack = ExitStack()
        self._write: Callable[[Column, Side], None] = self._write_json_lines
        self.rows = 0
        """Keys written so far."""
        if options.format == "parquet":
            self._parquet = self._stack.enter_context(
                ParquetKeyWriter(self._digesting, with_side=self._with_side)
            )
            self._write = self._parquet.write
            return
        self._text = self._stack.enter_context(
            CompressingSink(self._digesting, options.compression)
        )
        if options.format == "csv":
            self._write = self._write_csv
            if options.profile == "spreadsheet":
                self._text.write(BOM_UTF8)
            if options.header:
                self._text.write(_HEADER[self._with_side])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def sha256(self) -> str:
        """The digest of all bytes, in hexadecimal; of the whole file once the block is left."""
        return self._digesting.sha256

    def write(self, keys: Column, side: Side) -> None:
        """Add keys of one list.

        Args:
            keys: binary or string (large or not), valid UTF-8, no nulls, under 2 GiB.
            side: The list.
        """
        self._write(keys, side)
        self.rows += len(keys)

    def _write_csv(self, keys: Column, side: Side) -> None:
        if self._options.profile == "spreadsheet":
            keys = guard_cells(keys)
        begins = not self.rows and not self._options.header
        last = side if self._with_side else None
        self._text.write(csv_lines(keys, first=begins, last_cell=last))

    def _write_json_lines(self, keys: Column, side: Side) -> None:
        self._text.write(json_lines(keys, **({"side": side} if self._with_side else {})))
