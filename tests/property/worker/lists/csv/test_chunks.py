import itertools
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.lists.files import read_in_chunks, reference_cells, reference_outcome
from worker.lists.csv import chunks as csv_chunks

_TOKENS = (b'"', b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"a", b"bc", b" ", b"\xc3\xa9")
_RARE = (b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\x00", b"\xff", b"\xc2\x85", b"x" * 20)

wild_files = st.lists(st.sampled_from(_TOKENS + _RARE), max_size=40).map(b"".join)
wild_files |= wild_files.map(b"\xef\xbb\xbf".__add__)

_cells = st.sampled_from((b"", b"a", b"1234", b'"q"', b'"a,b"', b'"x\ny"', b'"d""d"', b'"\r\n"'))
_rows = st.lists(_cells, min_size=1, max_size=3).map(b",".join)
_ends = st.sampled_from((b"\n", b"\r\n", b"\r"))
#: Quotes only where RFC 4180 puts them, so that the vectorised way is taken.
tame_files = st.lists(st.tuples(_rows, _ends).map(b"".join), max_size=25).map(b"".join)


def expected(content: bytes) -> list[object]:
    return [reference_outcome(cell) for cell in reference_cells(content)]


#: Bytes of a chunk's overrun: its last row rarely fits so few.
overruns = st.sampled_from((3, 64))


def found(content: bytes, cuts: Sequence[int], overrun_bytes: int, **sizes: int) -> list[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_chunks, "OVERRUN_BYTES", overrun_bytes)
        return list(read_in_chunks(content, list(cuts), **sizes))


@given(content=wild_files | tame_files, overrun=overruns, data=st.data())
@settings(max_examples=120, deadline=None)
def test_csv_chunks__any_file_cut_anywhere__rows_of_csv_reader(
    content: bytes, overrun: int, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=6))
    block_bytes = data.draw(st.sampled_from((1, 5, 64, 4096)))
    rows = found(content, cuts, overrun, block_bytes=block_bytes, piece_bytes=3)
    assert rows == expected(content)


@given(
    content=st.lists(st.sampled_from(_TOKENS + _RARE[:1]), max_size=9).map(b"".join),
    overrun=overruns,
)
@example(content=b'"a\r\nb"\r\n\rc', overrun=3)
@example(content=b'\xef\xbb\xbf"\n"x\n"', overrun=3)
@example(content=b'a"\n"b"c\n"\n', overrun=3)
@example(content=b'"a\r\nb"\r\n\rc', overrun=64)
@example(content=b'\xef\xbb\xbf"\n"x\n"', overrun=64)
@example(content=b'a"\n"b"c\n"\n', overrun=64)
@settings(max_examples=15, deadline=None)
def test_csv_chunks__small_file__every_pair_of_cuts_gives_the_same_rows(
    content: bytes, overrun: int
) -> None:
    rows = expected(content)
    for cuts in itertools.combinations_with_replacement(range(len(content) + 1), 2):
        assert found(content, cuts, overrun, block_bytes=4, piece_bytes=2) == rows


@given(
    line=st.sampled_from((b"0123456789abcdef\n", b"12345678\r\n", b"a\xc3\xa9\n", b"a\rb\n")),
    count=st.integers(1, 60),
    odd=st.sampled_from((b"", b"x\n", b'"12345"\n', b"0123,56789abcdef\n", b"\n")),
    at=st.integers(0, 60),
    cut=st.integers(0, 400),
    overrun=overruns,
    trailing=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_csv_chunks__lines_of_one_length_but_one__rows_of_csv_reader(
    line: bytes, count: int, odd: bytes, at: int, cut: int, overrun: int, *, trailing: bool
) -> None:
    lines = [line] * count
    lines.insert(min(at, count), odd)
    content = b"".join(lines)
    content = content if trailing else content.removesuffix(b"\n")
    rows = found(content, [min(cut, len(content))], overrun, block_bytes=300)
    assert rows == expected(content)
