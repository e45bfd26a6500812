"""The cells of column chunks whose pages hold nothing but text."""

import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from typing import Final

from worker.byte_columns import Bytes, Column, ColumnView, concatenate
from worker.lists.byte_streams import ReadRange
from worker.lists.parquet.cells import CellBudget
from worker.lists.parquet.pages.compression import PageDecompressor
from worker.lists.parquet.pages.errors import UnusualPage
from worker.lists.parquet.pages.headers import (
    HEADER_LIMIT_BYTES,
    Encoding,
    PageHeader,
    PageType,
    read_header,
)
from worker.lists.parquet.pages.streams import ChunkStream, ColumnChunk
from worker.lists.parquet.pages.values import read_indices, read_plain, skip_levels

#: Largest page that is read here: most writers make them of 1 MiB, or of 20,000 rows.
_PAGE_BYTES: Final = 16 * 1024 * 1024
_PAGE_ROWS: Final = 1_000_000
#: Pages of any chunk, and rows for each further one: each takes 50 µs.
_FREE_PAGES: Final = 64
_ROWS_A_PAGE: Final = 256
#: Rows of small pages that are put together, because each batch takes its time, too.
_LEAST_ROWS: Final = 8_192
#: Bytes of cells that are taken from a dictionary at a time.
_BATCH_BYTES: Final = 16 * 1024 * 1024
_UNSIGNED: Final = 0xFFFF_FFFF
_DICTIONARY_ENCODINGS: Final = (Encoding.RLE_DICTIONARY, Encoding.PLAIN_DICTIONARY)


def read_chunks(
    chunks: Sequence[ColumnChunk], read: ReadRange, batch_rows: int
) -> Generator[Column, None, tuple[int, int]]:
    """Yield the cells of chunks in order, up to the first page that is unusual.

    Memory: a piece of the file, and a page of at most 16 MiB and its cells.

    Args:
        chunks: What is read.
        read: Gives ranges of the file.
        batch_rows: Most rows of a column that is yielded.

    Yields:
        What the library would yield: binary, cut where it is too long for a key.

    Returns:
        How many chunks were read whole, and how many rows of the next one.

    Raises:
        UnreadableList: Pages decode to more than their bytes would hold.
    """
    whole = rows = 0
    budget = CellBudget()
    with closing(ChunkStream(chunks, read)) as stream, suppress(UnusualPage):
        for chunk in chunks:
            budget.expect(chunk.size)
            for cells in _read_chunk(stream, chunk, batch_rows):
                budget.spend(cells)
                rows += len(cells)
                yield cells
            whole, rows = whole + 1, 0
    return whole, rows


def _read_chunk(stream: ChunkStream, chunk: ColumnChunk, batch_rows: int) -> Iterator[Column]:
    stream.seek(chunk)
    pending: list[Column] = []
    for cells in _Pages(stream, chunk).columns():
        pending.append(cells)
        if sum(map(len, pending)) >= _LEAST_ROWS:
            yield from _join(pending, batch_rows)
            pending.clear()
    yield from _join(pending, batch_rows)


def _join(pending: Sequence[Column], batch_rows: int) -> Iterator[Column]:
    # One is enough as a rule, and joining it would copy it.
    cells = pending[0] if len(pending) == 1 else concatenate(pending)
    for first in range(0, len(cells), batch_rows):
        yield cells[first : first + batch_rows]


class _Pages:
    """The pages of one chunk."""

    def __init__(self, stream: ChunkStream, chunk: ColumnChunk) -> None:
        self._stream = stream
        self._chunk = chunk
        self._decompressor = PageDecompressor(chunk.compression)
        self._dictionary: Column | None = None

    def columns(self) -> Iterator[Column]:
        """Yield the cells of each page."""
        rows = pages = 0
        while rows < self._chunk.rows:
            header, page = self._next()
            pages += 1
            if header.type == PageType.DICTIONARY and pages == 1:
                self._dictionary = _read_dictionary(header, page)
                continue
            rows += header.values
            too_many = rows > self._chunk.rows or pages > _FREE_PAGES + rows // _ROWS_A_PAGE
            if header.type != PageType.DATA or too_many:
                raise UnusualPage
            yield from self._read_values(header, page)

    def _next(self) -> tuple[PageHeader, Bytes]:
        stream = self._stream
        header = read_header(stream.peek(HEADER_LIMIT_BYTES))
        stored_end = stream.position + header.header_bytes + header.stored_bytes
        usual = (
            0 < header.values <= _PAGE_ROWS
            and 0 < header.page_bytes <= _PAGE_BYTES
            and 0 < header.stored_bytes <= _PAGE_BYTES
            and stored_end <= self._chunk.end
        )
        if not usual:
            raise UnusualPage
        stream.take(header.header_bytes)
        stored = stream.take(header.stored_bytes)
        # Pages that were changed may still decode, to other keys; some writers add checksums.
        if header.checksum is not None and zlib.crc32(stored) != header.checksum & _UNSIGNED:
            raise UnusualPage
        return header, self._decompressor.decompress(stored, header.page_bytes)

    def _read_values(self, header: PageHeader, page: Bytes) -> Iterator[Column]:
        if self._chunk.optional:
            if header.levels_encoding != Encoding.RLE:
                raise UnusualPage
            page = skip_levels(page, header.values)
        if header.encoding == Encoding.PLAIN:
            yield read_plain(page, header.values)
            return
        if self._dictionary is None or header.encoding not in _DICTIONARY_ENCODINGS:
            raise UnusualPage
        places = read_indices(page, header.values, len(self._dictionary))
        longest = int(ColumnView.of(self._dictionary).lengths.max())
        step = max(1, _BATCH_BYTES // longest)
        for first in range(0, len(places), step):
            yield self._dictionary.take(places[first : first + step])


def _read_dictionary(header: PageHeader, page: Bytes) -> Column:
    if header.encoding not in {Encoding.PLAIN, Encoding.PLAIN_DICTIONARY}:
        raise UnusualPage
    return read_plain(page, header.values)
