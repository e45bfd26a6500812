"""An object as a file does what a file in memory does, in few fetches."""

import io
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.objects import ObjectInfo
from worker.objects.reading.random_access import READ_AHEAD_BYTES, ObjectFile

_CONTENT = random.Random(4).randbytes(5 * READ_AHEAD_BYTES + 99)

_SIZES = st.one_of(
    st.none(), st.integers(-1, 2000), st.integers(READ_AHEAD_BYTES - 2, 2 * READ_AHEAD_BYTES)
)
_MOVES = st.one_of(
    st.tuples(st.just(io.SEEK_SET), st.integers(0, len(_CONTENT) + 10)),
    st.tuples(st.just(io.SEEK_CUR), st.integers(0, 3000)),
    st.tuples(st.just(io.SEEK_END), st.integers(-1000, 10)),
)


@dataclass(slots=True)
class Fetches:
    """Serves ranges of some bytes and counts them."""

    content: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.content)
        self.ranges.append((start, end))
        return self.content[start:end]


def open_file(content: bytes = _CONTENT) -> tuple[ObjectFile, Fetches]:
    fetches = Fetches(content)
    return ObjectFile(ObjectInfo("b", "k", len(content), '"e"'), fetches), fetches


@given(st.lists(st.one_of(_SIZES.map(lambda size: ("read", size)), _MOVES), max_size=20))
def test_file__any_seeks_and_reads__as_in_memory(
    steps: list[tuple[str, int | None] | tuple[int, int]],
) -> None:
    file, _ = open_file()
    model = io.BytesIO(_CONTENT)
    for step in steps:
        if step[0] == "read":
            assert file.read(step[1]) == model.read(step[1])
        else:
            assert file.seek(step[1] or 0, int(step[0])) == model.seek(step[1] or 0, int(step[0]))
        assert file.tell() == model.tell()


def test_file__footer_then_its_length__one_fetch() -> None:
    file, fetches = open_file()
    for back in (8, 5000, READ_AHEAD_BYTES):
        file.seek(-back, io.SEEK_END)
        assert file.read(8) == _CONTENT[len(_CONTENT) - back :][:8]
    assert fetches.ranges == [(len(_CONTENT) - READ_AHEAD_BYTES, len(_CONTENT))]


def test_file__short_reads_in_a_row__one_fetch_for_many() -> None:
    file, fetches = open_file()
    assert b"".join(file.read(1000) for _ in range(60)) == _CONTENT[:60_000]
    assert len(fetches.ranges) == 1


def test_file__large_read__exactly_one_fetch_of_it() -> None:
    file, fetches = open_file()
    assert file.read(3 * READ_AHEAD_BYTES) == _CONTENT[: 3 * READ_AHEAD_BYTES]
    assert fetches.ranges == [(0, 3 * READ_AHEAD_BYTES)]


def test_file__wrapped_in_a_buffered_reader__same_lines() -> None:
    lines = b"".join(b"row %d\n" % n for n in range(30_000))
    file, _ = open_file(lines)
    assert file.readall() == lines
    file.seek(0)
    with io.BufferedReader(file) as reader:
        assert b"".join(reader) == lines
    assert file.closed


def test_file__empty_object__empty_and_asks_nobody() -> None:
    file, fetches = open_file(b"")
    assert file.read() == b""
    assert file.read(10) == b""
    assert file.size() == 0
    assert fetches.ranges == []


def test_file__bad_seeks_and_closed_reads__refused() -> None:
    file, _ = open_file()
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    for offset, whence in ((-1, io.SEEK_SET), (-len(_CONTENT) - 1, io.SEEK_END), (0, 7)):
        with pytest.raises(ValueError, match="cannot seek"):
            file.seek(offset, whence)
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1)
