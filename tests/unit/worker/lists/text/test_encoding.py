"""Text of other encodings becomes UTF-8, however it comes in pieces."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.lists.errors import ContradictedOption
from worker.lists.text.encoding import cells_to_utf8, detect_encoding, stream_to_utf8


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(text=st.text(max_size=20), size=st.integers(1, 5), little=st.booleans())
def test_stream__utf16_in_pieces__the_text_in_utf8(text: str, size: int, *, little: bool) -> None:
    pieces = in_pieces(text.encode("utf-16-le" if little else "utf-16-be"), size)

    found = b"".join(stream_to_utf8(iter(pieces), "utf-16le" if little else "utf-16be"))

    assert found == text.encode()


@pytest.mark.parametrize(
    ("data", "rest"),
    [(b"\x3d\xd8", b""), (b"\x00\xdc", b""), (b"", b"\n"), (b"\x3d\xd8a\x00", b"")],
    ids=["first half", "second half", "half a unit", "first half before a letter"],
)
def test_stream__what_is_no_character__is_no_utf8_and_the_rows_before_stay(
    data: bytes, rest: bytes
) -> None:
    content = "k\n".encode("utf-16-le") + data + rest

    found = b"".join(stream_to_utf8(iter((content,)), "utf-16le"))

    assert found.startswith(b"k\n")
    with pytest.raises(UnicodeDecodeError):
        found.decode()


@given(cells=st.lists(st.binary(max_size=6), min_size=1))
def test_cells__of_latin_1__are_what_python_decodes(cells: list[bytes]) -> None:
    convert = cells_to_utf8("latin-1")
    assert convert is not None

    found: list[Any] = convert(pa.array(cells, pa.binary())).to_pylist()

    assert found == [cell.decode("latin-1").encode() for cell in cells]
    whole = b"".join(stream_to_utf8(iter(cells), "latin-1"))
    assert whole == b"".join(found)


def test_cells__of_windows_1252__open_bytes_are_control_characters() -> None:
    convert = cells_to_utf8("windows-1252")
    assert convert is not None

    found: list[Any] = convert(pa.array([b"\x80", b"\x81", b"a"], pa.binary())).to_pylist()

    assert found == ["€".encode(), "\x81".encode(), b"a"]


@pytest.mark.parametrize(
    ("head", "told", "found"),
    [
        (b"key\n", None, "utf-8"),
        (b"a\x00b\n", None, "utf-8"),
        ("ab\n".encode("utf-16-be"), None, "utf-16be"),
        ("ab\n".encode("utf-16-be"), "utf-16", "utf-16be"),
        ("日本\n".encode("utf-16-le"), "utf-16", "utf-16le"),
        ("日本\n".encode("utf-16"), None, "utf-16le"),
        ("日本\n".encode("utf-16-le"), None, "utf-16le"),
        ("анна\r\n😀\n".encode("utf-16-be"), None, "utf-16be"),
        ("漢字\n山田\n".encode("utf-16-le"), None, "utf-16le"),
        (b"\x00a\nb\nc\x00\n", None, "utf-8"),
        (b"aabb\n\x00ccdd", None, "utf-8"),
        (bytes(range(64)), None, "utf-8"),
        (b"\xe9\n", "latin-1", "latin-1"),
    ],
)
def test_detect__head__encoding(head: bytes, told: Any, found: str) -> None:
    assert detect_encoding(head, told) == found


@pytest.mark.parametrize(
    ("head", "told", "found"),
    [
        (b"key\n", "utf-16", "UTF-8"),
        ("café\n".encode() + b"\xc3", "utf-16be", "UTF-8"),
        ("ab\n".encode("utf-16-be"), "utf-16le", "utf-16be"),
        (b"\xef\xbb\xbfkey\n", "latin-1", "the mark of utf-8"),
    ],
)
def test_detect__another_encoding_than_is_told__refused(head: bytes, told: Any, found: str) -> None:
    with pytest.raises(ContradictedOption, match=f"encoding={told} was asked for.* {found};"):
        detect_encoding(head, told)
