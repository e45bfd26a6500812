"""Compresses text on its way to a sink, piece by piece."""

from io import IOBase
from types import TracebackType
from typing import Final, Self, cast

import pyarrow as pa
from isal import isal_zlib

from worker.lists.byte_streams import Sink
from worker.lists.sink_gate import SinkGate
from worker.options.exports import ExportCompression

#: isal's best level takes about as long as zstd's first.
_GZIP_LEVEL: Final = 3
#: zlib's own number for a window of 32 KiB and gzip's header.
_GZIP_WINDOW: Final = 31


class CompressingSink:
    """Takes bytes and passes them on compressed, as one member.

    A context manager. Once it is left by an exception nothing more is passed on, so that what was
    cut short does not decompress as if it were whole. Holds a few hundred KiB.
    """

    def __init__(self, sink: Sink, compression: ExportCompression) -> None:
        """Args: ``sink`` is not closed here."""
        self._gate = SinkGate(sink)
        self._gzip = (
            isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
            if compression == "gzip"
            else None
        )
        self._zstd = (
            pa.CompressedOutputStream(pa.PythonFile(cast("IOBase", self._gate), mode="w"), "zstd")
            if compression == "zstd"
            else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._gate.shut()
        elif self._gzip is not None:
            self._gate.write(self._gzip.flush())
        if self._zstd is not None:
            self._zstd.close()

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""
        if self._gzip is not None:
            return self._gate.write(self._gzip.compress(data))
        if self._zstd is not None:
            return self._zstd.write(bytes(data))
        return self._gate.write(bytes(data))
