"""Brings text of other encodings to UTF-8: a whole file as it comes, or cells that were cut."""

import codecs
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from worker.byte_columns import Column, ColumnView, binary_column
from worker.lists.errors import ContradictedOption
from worker.lists.text.form import KnownEncoding
from worker.options.lists import Encoding

#: Marks that a file of text begins with.
_MARKS: Final[tuple[tuple[bytes, KnownEncoding], ...]] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
#: UTF-16 without a mark: this many bytes have to agree that every second one is zero.
_LEAST_UTF16_BYTES: Final = 4
_LATIN_SHARE: Final = 0.7
_SNIFFED_BYTES: Final = 2_048
#: What is left of an odd number of bytes: no UTF-8, so that its row is rejected for that.
_CUT_CHARACTER: Final = b"\xff"
#: The characters of windows-1252; the five bytes that it leaves open are control characters, as
#: browsers read them, so that their rows are rejected and not the whole list.
_WINDOWS_1252: Final = "".join(
    chr(byte) if byte in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else bytes([byte]).decode("cp1252")
    for byte in range(256)
)

_UTF16: Final[Mapping[KnownEncoding, str]] = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
#: Categories of Unicode that no text has: control characters, and what is not assigned.
_NO_TEXT: Final = frozenset({"Cc", "Cn", "Co", "Cs"})

#: Turns cells of one encoding into cells of UTF-8.
ToUtf8 = Callable[[Column], Column]


def detect_encoding(head: bytes, told: Encoding | None) -> KnownEncoding:
    """The encoding that is told, or that the first bytes show; UTF-8 where nothing shows.

    Raises:
        ContradictedOption: The file begins with the mark of another encoding than is told, or
            UTF-16 is told and it is not that.
    """
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if told is None:
        return marked or _unmarked_utf16(head) or "utf-8"
    if marked is not None and marked != told and not (told == "utf-16" and marked != "utf-8"):
        raise ContradictedOption(f"encoding={told}", f"begins with the mark of {marked}")
    if marked is not None or not told.startswith("utf-16"):
        return marked or told  # type: ignore[return-value]  # told is not "utf-16"
    shown = _unmarked_utf16(head)
    if shown is None and _is_utf8(head):
        raise ContradictedOption(f"encoding={told}", "is UTF-8")
    if told == "utf-16":
        # Without a mark it is as Windows writes it, unless its zeros say otherwise.
        return shown or "utf-16le"
    if shown not in {None, told}:
        raise ContradictedOption(f"encoding={told}", f"is {shown}")
    return told


def _unmarked_utf16(head: bytes) -> KnownEncoding | None:
    """Text of Latin letters in UTF-16 has a zero in every second byte, and any its line breaks."""
    head = head[:_SNIFFED_BYTES]
    even, odd = head[0::2], head[1::2]
    if len(head) < _LEAST_UTF16_BYTES or b"\x00" not in head:
        return None
    for zeros, letters, name in ((odd, even, "utf-16le"), (even, odd, "utf-16be")):
        enough = zeros.count(0) >= _LATIN_SHARE * len(zeros)
        if enough and letters.count(0) == 0 and not has_control(letters):
            return name  # type: ignore[return-value]  # one of the two above
    return next((name for name in _UTF16 if _is_utf16(head, name)), None)


def _is_utf16(head: bytes, name: KnownEncoding) -> bool:
    """Whether the first bytes are lines of characters that exist, which other bytes are not.

    A zero between two lines of text in UTF-8 looks like that once, but not at each of them.
    """
    try:
        text = codecs.getincrementaldecoder(_UTF16[name])().decode(head)
    except UnicodeDecodeError:
        return False
    breaks = text.count("\n") or text.count("\r")
    bare = head.replace(b"\0", b"")
    needed = 2 if _is_utf8(bare) and not has_control(bare) else 1
    others = (unicodedata.category(char) for char in text if char not in "\t\r\n")
    return breaks >= needed and not any(category in _NO_TEXT for category in others)


def _is_utf8(head: bytes) -> bool:
    """Whether the first bytes are text in UTF-8, without the zeros of a wider encoding."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(head) and b"\0" not in head


def has_control(data: bytes) -> bool:
    """Whether a byte is a control character that no text has."""
    return any(byte < ord(" ") and byte not in b"\t\r\n" for byte in data)


def stream_to_utf8(pieces: Iterator[bytes], encoding: KnownEncoding) -> Iterator[bytes]:
    """Yield a file's text in UTF-8. What is no character becomes what is no UTF-8, in its place."""
    if encoding == "utf-8":
        yield from pieces
        return
    if encoding in _TABLES:
        for piece in pieces:
            yield piece.decode("latin-1").translate(_TRANSLATIONS[encoding]).encode()
        return
    codec = _UTF16[encoding]
    left = b""
    for piece in pieces:
        data = left + piece
        end = _whole_units(data, codec)
        left = data[end:]
        yield data[:end].decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
    if left:
        whole = left[: len(left) & ~1]
        text = whole.decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
        yield text + (_CUT_CHARACTER if len(left) % 2 else b"")


def _whole_units(data: bytes, codec: str) -> int:
    """How many bytes can be decoded before the next ones are there: not half of a pair."""
    end = len(data) & ~1
    if end:
        high = data[end - 1] if codec == "utf-16-le" else data[end - 2]
        if high & 0xFC == 0xD8:  # noqa: PLR2004 - the first half of a surrogate pair
            end -= 2
    return end


def source_widths(encoding: KnownEncoding) -> np.ndarray | None:
    """How many bytes of a file each byte of its text in UTF-8 stands for; ``None`` if one each.

    The first byte of a character stands for all of it.
    """
    if encoding == "utf-8":
        return None
    unit = 1 if encoding in _TABLES else 2
    widths = np.full(256, unit, np.int64)
    widths[0x80:0xC0] = 0
    # Beyond the basic plane, UTF-16 has two units.
    widths[0xF0:] = 2 * unit
    return widths


def cells_to_utf8(encoding: KnownEncoding) -> ToUtf8 | None:
    """How cells of an encoding of one byte a character become UTF-8; ``None`` if they are it."""
    table = _TABLES.get(encoding)
    if table is None:
        return None
    lengths = np.array([len(char.encode()) for char in table], np.int64)
    translation = _TRANSLATIONS[encoding]

    def convert(cells: Column) -> Column:
        view = ColumnView.of(cells)
        if len(view.data) == 0 or view.data.max() < 0x80:  # noqa: PLR2004 - the end of ASCII
            return cells
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[view.data])])
        text = bytes(view.data).decode("latin-1").translate(translation).encode()
        data: Any = np.frombuffer(text, np.uint8)
        return binary_column(data, ends[view.offsets])

    return convert


_TABLES: Final = {"windows-1252": _WINDOWS_1252, "latin-1": "".join(map(chr, range(256)))}
_TRANSLATIONS: Final = {
    name: {byte: char for byte, char in enumerate(table) if ord(char) != byte}
    for name, table in _TABLES.items()
}
