"""What a list file is, and what it is if it is no list: by its bytes and never by its name.

A wrong name would refuse a real list, so each rule for files that are not lists asks for more
than a key is likely to begin with: binary magic in full, a tar header with its checksum, a
whole JSON object, a tag with its end.
"""

import json
import re
from codecs import BOM_UTF8
from enum import Enum
from typing import Final

#: Most bytes of a file's head that are looked at here: a tar header, a line of JSON.
SNIFF_BYTES = 2_048
#: Bytes of a file's tail that decide where the head is ambiguous.
TAIL_BYTES = 16


class ListFormat(Enum):
    """The formats that lists are read from."""

    CSV = "csv"
    """Any table of text, whatever separates its columns."""
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


#: What a Parquet file begins and ends with.
PARQUET: Final = b"PAR1"
#: Magic numbers that hold a byte no list of text begins with.
_BINARY: Final = (
    (b"\x1f\x8b", "gzip-compressed"),
    (b"\x1f\x9d", "compressed by compress (.Z)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"\x04\x22\x4d\x18", "lz4-compressed"),
    (b"\x02\x21\x4c\x18", "lz4-compressed"),
    (b"\xfd7zXZ\x00", "xz-compressed"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy-compressed"),
    (b"PK\x03\x04", "a zip archive (or an Excel .xlsx workbook)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel .xls workbook"),
    (b"Obj\x01", "an Avro file"),
    (b"ARROW1\x00\x00", "an Arrow (Feather) file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
)
_BZIP2_BLOCKS: Final = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
#: Letters that a key may begin with too; they count only with a control character behind.
_LETTERS: Final = ((b"PARE", "an encrypted Parquet file"), (b"ORC", "an ORC file"))
_TEXT: Final = (
    (rb"version https://git-lfs\.github\.com/spec/", "a Git LFS pointer, not the file itself"),
    (rb"%PDF-\d", "a PDF document"),
    (rb"-----BEGIN [A-Z ]+-----", "an encrypted or signed message (PEM or PGP)"),
    (rb"age-encryption\.org/v1\r?\n", "an encrypted file (age)"),
    (rb"(?i)(<!--.*?-->\s*)?(<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>])", "an HTML page"),
    (rb"<\?xml[\s?]|<!DOCTYPE\s|<!--", "XML"),
)
_FOREIGN_TEXT: Final = tuple((re.compile(start, re.DOTALL), name) for start, name in _TEXT)
#: An element and the end of one: message ids (`<a@b>`) and lone tags are keys.
_ELEMENT: Final = re.compile(rb"<([A-Za-z_][\w:.-]*)(\s[^<>]*)?(/>|>.*?</)", re.DOTALL)
_OBJECT: Final = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*"\s*:|\}\s*$)')
_ARRAY: Final = re.compile(rb'\[\s*(["{[]|(-?\d[\d.eE+-]*|true|false|null)\s*,|[\r\n])')
_MANIFEST: Final = re.compile(rb'\{\s*"(entries|fileLocations|manifest|files)"\s*:\s*[\[{]')
#: All that there is, in one line: a form's field in place of its file (curl without the `@`).
_FILE_NAME: Final = re.compile(rb'@?[^\r\n,"]*\.(csv|tsv|parquet)\s*', re.IGNORECASE)
_TAR_HEADER_BYTES: Final = 512
_TAR_SUM: Final = slice(148, 156)


def is_parquet(head: bytes, tail: bytes | None) -> bool:
    """Whether a file is Parquet. Text that merely begins like it (a key ``PAR1…``) is not.

    Args:
        head: The first bytes of the file, ``SNIFF_BYTES`` or all there are.
        tail: The last bytes, if available; they decide where the head is ambiguous.
    """
    return head.startswith(PARQUET) and (_is_binary(head) or (tail or b"").endswith(PARQUET))


def _is_binary(head: bytes) -> bool:
    """Whether a control character that no text has follows the four bytes of magic."""
    following = head[4:5]
    return bool(following) and following < b" " and following not in b"\t\r\n"


def name_foreign_file(head: bytes) -> str | None:
    """What a file is by its binary bytes, if it is no list; ``None`` if nothing is known.

    Such a number counts only with the binary bytes that follow it: ``BZh…`` may begin a key.

    Args:
        head: The file's first bytes, all there are up to ``SNIFF_BYTES``.
    """
    for magic, name in _BINARY:
        if head.startswith(magic):
            return name
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return "bzip2-compressed"
    for magic, name in _LETTERS:
        if head.startswith(magic) and _has_control(head[len(magic) : len(magic) + 5]):
            return name
    return "a tar archive" if _is_tar(head) else None


def name_foreign_text(head: bytes) -> str | None:
    """What a text is, if it is no list; ``None`` if nothing is known.

    Args:
        head: The text's first bytes in UTF-8, all there are up to ``SNIFF_BYTES``.
    """
    return _text_name(head.removeprefix(BOM_UTF8).lstrip())


def _has_control(data: bytes) -> bool:
    return any(byte < ord(" ") and byte not in b"\t\r\n" for byte in data)


def _is_tar(head: bytes) -> bool:
    """Whether the first header's checksum is right, which no text's is by chance."""
    header = head[:_TAR_HEADER_BYTES]
    digits = header[_TAR_SUM].strip(b" \x00")
    if len(header) < _TAR_HEADER_BYTES or not re.fullmatch(rb"[0-7]{1,7}", digits):
        return False
    blank = sum(header) - sum(header[_TAR_SUM]) + 8 * ord(" ")
    return int(digits, 8) == blank


def _text_name(text: bytes) -> str | None:
    for start, name in _FOREIGN_TEXT:
        if start.match(text):
            return name
    if _FILE_NAME.fullmatch(text):
        return "the name of a file, not its content"
    if text.startswith(b"<") and _ELEMENT.match(text):
        return "XML"
    if text.startswith((b"{", b"[")) and _is_json(text):
        return "a manifest (JSON)" if _MANIFEST.match(text) else "JSON"
    return None


def _is_json(text: bytes) -> bool:
    """Whether a JSON object or array begins here; `{3F25-…}`, `[x]`, `[7]` and `{}` are keys."""
    first_line = text.splitlines()[0]
    for whole in (first_line, text):
        try:
            value = json.loads(whole)
        except (ValueError, RecursionError):
            continue
        return bool(value) and not (
            len(value) == 1 and isinstance(value, list) and _is_plain(value[0])
        )
    # Longer than the head, or over several lines.
    return bool(_OBJECT.match(text) or _ARRAY.match(text))


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | None)
