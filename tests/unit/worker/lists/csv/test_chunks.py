from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lists.files import rows_of, source
from worker.errors import TerminalError, TransientError
from worker.lists.csv.chunks import OVERRUN_BYTES, CsvChunk, CsvChunkReader, CsvState
from worker.lists.errors import ReadCutShort, RowTooLong
from worker.lists.keys.validation import RejectReason


def reader_of(
    content: bytes,
    start: int = 0,
    end: int | None = None,
    state: CsvState = CsvState.ROW,
    **options: Any,
) -> CsvChunkReader:
    chunk = CsvChunk(start, len(content) if end is None else end, len(content))
    return CsvChunkReader(chunk, state, source(content, piece_bytes=1000), **options)


def test_csv_chunk__empty_file__no_rows() -> None:
    reader = reader_of(b"")
    assert rows_of(reader) == []
    assert reader.end_state is CsvState.ROW


def test_csv_chunk__only_a_bom__no_rows() -> None:
    assert rows_of(reader_of(b"\xef\xbb\xbf")) == []


def test_csv_chunk__bom__skipped_where_files_were_joined_too() -> None:
    found = rows_of(reader_of(b'\xef\xbb\xbfa\n\xef\xbb\xbfb\n\xef\xbb\xbf"c ""d"""\n'))
    assert found == [b"a", b"b", b'c "d"']


def test_csv_chunk__blank_lines__rejected_rows_not_skipped() -> None:
    assert rows_of(reader_of(b"a\n\n\r\nb")) == [b"a", RejectReason.BLANK, RejectReason.BLANK, b"b"]


def test_csv_chunk__ragged_rows__keep_their_first_cell() -> None:
    assert rows_of(reader_of(b"a,1\nb\nc,2,3\n,4\n")) == [b"a", b"b", b"c", RejectReason.BLANK]


def test_csv_chunk__last_row_longer_than_the_overrun__finished_and_state_handed_on() -> None:
    cell = b"x\n" * OVERRUN_BYTES
    content = b'a\n"' + cell + b'"\nb\n'
    first = reader_of(content, 0, 10)
    assert rows_of(first) == [b"a", RejectReason.TOO_LONG]
    assert first.end_state is CsvState.QUOTED
    second = reader_of(content, 10, len(content), CsvState.QUOTED)
    assert rows_of(second) == [b"b"]
    assert second.end_state is CsvState.ROW


@pytest.mark.parametrize("state", list(CsvState))
def test_csv_chunk__no_line_starts_in_it__passes_its_state_on(state: CsvState) -> None:
    reader = reader_of(b"abcdefghij\nk\n", 3, 8, state)
    assert rows_of(reader) == []
    assert reader.end_state is state


def test_csv_chunk__long_line_before_a_line_start__searched_no_further_than_the_end() -> None:
    content = b"x" * 3_000_000 + b"\na\n"
    ranges: list[tuple[int, int]] = []
    chunk = CsvChunk(1000, 2000, len(content))
    reader = CsvChunkReader(chunk, CsvState.ROW, source(content, piece_bytes=500, ranges=ranges))
    assert rows_of(reader) == []
    assert ranges == [(999, 2000 + OVERRUN_BYTES)]


def test_csv_chunk__ordinary_rows__one_range_is_opened() -> None:
    content = b"0123456789\n" * 100_000
    ranges: list[tuple[int, int]] = []
    chunk = CsvChunk(500_000, 700_000, len(content))
    reader = CsvChunkReader(chunk, CsvState.ROW, source(content, piece_bytes=9999, ranges=ranges))
    assert len(rows_of(reader)) == len(range(0, 700_000, 11)) - len(range(0, 500_000, 11))
    assert ranges == [(499_999, 700_000 + OVERRUN_BYTES)]


def test_csv_chunk__unclosed_quote__stops_with_the_offset_of_its_row() -> None:
    content = b'a\nbc\nx,"d\n' + b"e\n" * 600_000
    reader = reader_of(content)
    with pytest.raises(RowTooLong, match="byte 5 ") as caught:
        rows_of(reader)
    assert caught.value.offset == 5
    assert isinstance(caught.value, TerminalError)


def test_csv_chunk__unclosed_short_quote__row_of_what_is_there() -> None:
    assert rows_of(reader_of(b'a\n"bc')) == [b"a", b"bc"]


@pytest.mark.parametrize("block_bytes", [16, 4096])
@pytest.mark.parametrize("line", [b"x" * 19, b"x,y" + b"z" * 16, b'"' + b"x" * 17 + b'"'])
@pytest.mark.parametrize("before", [0, 3, 40])
def test_csv_chunk__row_limit__counts_the_terminator(
    block_bytes: int, line: bytes, before: int
) -> None:
    content = line + b"\n"
    offset = 3 * before
    content = b"ab\n" * before + content * 20
    assert len(rows_of(reader_of(content, block_bytes=block_bytes, row_limit=20))) == before + 20
    with pytest.raises(RowTooLong) as caught:
        rows_of(reader_of(content, block_bytes=block_bytes, row_limit=19))
    assert caught.value.offset == offset


@pytest.mark.parametrize("terminator", [b"\n", b"\r", b"\r\n"])
def test_csv_chunk__cell_over_the_csv_modules_own_limit__read(terminator: bytes) -> None:
    cell = b'q"' + b"y" * 300_000
    assert rows_of(reader_of(cell + terminator + b"a")) == [RejectReason.TOO_LONG, b"a"]


def test_csv_chunk__source_ends_early__transient_error() -> None:
    def cut(start: int, end: int) -> Iterator[bytes]:
        yield b"a\n" * ((end - start) // 4)

    reader = CsvChunkReader(CsvChunk(0, 100, 100), CsvState.ROW, cut)
    with pytest.raises(ReadCutShort, match="only 50 bytes") as caught:
        rows_of(reader)
    assert isinstance(caught.value, TransientError)


def test_csv_chunk__source_runs_over__transient_error() -> None:
    def over(start: int, end: int) -> Iterator[bytes]:
        yield b"a\n" * (end - start)

    reader = CsvChunkReader(CsvChunk(0, 100, 100), CsvState.ROW, over)
    with pytest.raises(ReadCutShort):
        rows_of(reader)


def test_csv_chunk__given_up_half_way__range_is_closed() -> None:
    closed: list[bool] = []

    def read(start: int, end: int) -> Iterator[bytes]:
        try:
            while start < end:
                yield b"a\n"
                start += 2
        finally:
            closed.append(True)

    chunk = CsvChunk(0, 1000, 1000)
    batches = iter(CsvChunkReader(chunk, CsvState.ROW, read, block_bytes=10).batches())
    next(batches)
    assert not closed
    batches.close()
    assert closed


def test_csv_chunk__end_state_before_the_end__refused() -> None:
    with pytest.raises(RuntimeError, match="all batches"):
        _ = reader_of(b"a\n").end_state


def test_csv_chunk__quoted_at_the_start_of_the_file__refused() -> None:
    with pytest.raises(ValueError, match="start of a row"):
        reader_of(b"a\n", state=CsvState.QUOTED)
