"""Decompresses pages, to exactly the size that their headers say."""

from typing import Final

import cramjam
import numpy as np
import pyarrow as pa

from worker.byte_columns import Bytes
from worker.lists.parquet.pages.errors import UnusualPage

#: What is decompressed here, by the names that pyarrow has for it. Others take so long that the
#: library's process makes no difference.
COMPRESSIONS: Final = frozenset({"UNCOMPRESSED", "SNAPPY", "ZSTD"})


class PageDecompressor:
    """Decompresses the pages of one column, one at a time.

    The bytes of a page are there until the next one is decompressed.
    """

    def __init__(self, compression: str) -> None:
        """Args: ``compression`` is one of ``COMPRESSIONS``."""
        self._compression = compression
        self._zstd = pa.Codec("zstd") if compression == "ZSTD" else None
        self._page = np.empty(0, np.uint8)

    def decompress(self, stored: memoryview, size: int) -> Bytes:
        """Decompress one page.

        Raises:
            UnusualPage: It is damaged, or has another size.
        """
        if self._compression == "UNCOMPRESSED":
            page = np.frombuffer(stored, np.uint8)
        elif self._zstd is not None:
            page = self._decompress_zstd(self._zstd, stored, size)
        else:
            page = self._decompress_snappy(stored, size)
        if len(page) != size:
            raise UnusualPage
        return page

    @staticmethod
    def _decompress_zstd(codec: pa.Codec, stored: memoryview, size: int) -> Bytes:
        try:
            return np.frombuffer(memoryview(codec.decompress(pa.py_buffer(stored), size)), np.uint8)
        except (OSError, ValueError) as exc:
            raise UnusualPage from exc

    def _decompress_snappy(self, stored: memoryview, size: int) -> Bytes:
        # 37 ns for a UUID, where pyarrow's takes 55 to 60; into memory that is in the cache.
        if len(self._page) < size:
            self._page = np.empty(size, np.uint8)
        page = self._page[:size]
        try:
            count = cramjam.snappy.decompress_raw_into(stored, page.data)
        except cramjam.DecompressionError as exc:
            raise UnusualPage from exc
        return page[:count]
