"""What a file is that is no list, by its first bytes and never by its name, and what to do then.

A wrong name would refuse a real list, so each rule asks for more than a key is likely to begin
with: binary magic in full, a tar header with its checksum, a whole JSON object, a tag with its
end. What is binary is no list whatever its importer says; text is one if they say which format.
"""

import json
import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Final

#: Most bytes of a file's head that are looked at here: a tar header, a line of JSON.
SNIFF_BYTES: Final = 2_048


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file that is no list."""

    name: str
    """What it is, with its article."""
    remedy: str
    """What its importer should do."""

    def __str__(self) -> str:
        return f"the file is {self.name}, not a list; {self.remedy}"


_DECOMPRESS: Final = "decompress it, or compress it by gzip, zstd or bzip2 instead"
_UNPACK: Final = "unpack it and import the list that is in it"
_SHEET: Final = "export the sheet as CSV and import that"
_EXPORT: Final = "export the column of the keys as CSV or Parquet and import that"
_DECRYPT: Final = "decrypt it and import that"
_KEYS: Final = "write the keys as text, one a line, and import that"
_LFS: Final = "run git lfs pull and import the file that it fetches"
_MANIFEST: Final = (
    "to import the files that it names, send its address as manifest (bigseg import --manifest)"
)
_REAL: Final = "name or send the list itself"
_ANSWER: Final = "it is probably the answer of a failed download: fetch the list again"

#: What is not seen before it is decompressed.
PARQUET_IN_OTHER: Final = ForeignFile(
    "Parquet within another compression", "decompress it and import the Parquet file itself"
)

#: Magic numbers that hold a byte no list of text begins with.
_BINARY: Final = (
    (b"\x1f\x8b", "gzip-compressed", _DECOMPRESS),
    (b"\x1f\x9d", "compressed by compress (.Z)", _DECOMPRESS),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", _DECOMPRESS),
    (b"\x04\x22\x4d\x18", "lz4-compressed", _DECOMPRESS),
    (b"\x02\x21\x4c\x18", "lz4-compressed", _DECOMPRESS),
    (b"\xfd7zXZ\x00", "xz-compressed", _DECOMPRESS),
    (b"LZIP\x01", "lzip-compressed", _DECOMPRESS),
    (b"\x89LZO\x00\r\n\x1a\n", "lzop-compressed", _DECOMPRESS),
    (b"\xff\x06\x00\x00sNaPpY", "snappy-compressed", _DECOMPRESS),
    (b"PK\x05\x06", "an empty zip archive", _REAL),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel .xls workbook, or encrypted", _SHEET),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"ARROW1\x00\x00", "an Arrow (Feather) file", _EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (b"\x93NUMPY", "a NumPy file", _EXPORT),
    (b"PGDMP\x01", "a dump of PostgreSQL", _EXPORT),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)", _REAL),
    (b"II*\x00", "an image (TIFF)", _REAL),
    (b"MM\x00*", "an image (TIFF)", _REAL),
    (b"\x7fELF", "an executable", _REAL),
    (b"\xcf\xfa\xed\xfe", "an executable", _REAL),
    (b"\xca\xfe\xba\xbe", "an executable", _REAL),
    (b"\x00asm", "an executable", _REAL),
    (b"\xff\xfe\x00\x00", "UTF-32 text", "convert it to UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32 text", "convert it to UTF-8"),
)
#: What a key may begin with too, in some encoding; it counts only with a control character soon
#: behind it, which no text has.
_LETTERS: Final = (
    (b"\xff\xff\xff\xff", 4, "an Arrow stream", _EXPORT),
    (b"\xff\xd8\xff", 4, "an image (JPEG)", _REAL),
    (b"PARE", 5, "an encrypted Parquet file", _DECRYPT),
    (b"ORC", 5, "an ORC file", _EXPORT),
    (b"FEA1", 8, "a Feather file", _EXPORT),
    (b"MZ", 16, "an executable", _REAL),
    (b"GIF87a", 8, "an image (GIF)", _REAL),
    (b"GIF89a", 8, "an image (GIF)", _REAL),
    (b"BM", 12, "an image (BMP)", _REAL),
    (b"RIFF", 32, "an image or a recording (RIFF)", _REAL),
    (b"REDIS00", 16, "a dump of Redis", _EXPORT),
)
_BZIP2_BLOCKS: Final = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_ZIP: Final = b"PK\x03\x04"
#: The first entry of a zip archive is one of these if the archive is a document.
_SHEET_ENTRIES: Final = (
    *(b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"docProps/"),
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
)
_ZIP_NAME_AT: Final = 30
#: DuckDB has a checksum before its magic.
_DUCKDB: Final = slice(8, 12)
_TEXT: Final = (
    (rb"version https://git-lfs\.github\.com/spec/", "a Git LFS pointer", _LFS),
    (
        rb"s3://[a-z0-9][a-z0-9.-]+/[^\r\n,]+[\r\n]+s3://",
        "a manifest (addresses of S3)",
        _MANIFEST,
    ),
    (rb"%PDF-\d", "a PDF document", _KEYS),
    (rb"%!PS-Adobe", "a PostScript document", _KEYS),
    (rb"\{\\rtf\d", "an RTF document", _KEYS),
    (rb"-----BEGIN [A-Z ]+-----", "an encrypted or signed message (PEM or PGP)", _DECRYPT),
    (rb"age-encryption\.org/v1\r?\n", "an encrypted file (age)", _DECRYPT),
    (rb"#!\s*/[\w/.-]*bin/", "a script", _REAL),
    (rb"-- (MySQL|MariaDB) dump ", "a dump of MySQL", _EXPORT),
    (rb"--\r?\n-- PostgreSQL database ", "a dump of PostgreSQL", _EXPORT),
    (
        rb"(?i)(<!--.*?-->\s*)?(<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>])",
        "an HTML page",
        f"{_ANSWER}, with whatever log-in it needs",
    ),
    (rb"(<\?xml[^>]*>\s*)?<Error>\s*<Code>", "an error message of S3 (XML)", _ANSWER),
    (rb"HTTP/\d(\.\d)? \d{3}[ \r\n]", "the answer of a server, headers and all", _ANSWER),
    (
        rb"--[^\r\n]+\r\nContent-Disposition: form-data",
        "the body of a form",
        "put the file itself: with curl, that is -T name and no -F",
    ),
    (rb"<\?xml[\s?]|<!DOCTYPE\s|<!--", "XML", _KEYS),
)
_FOREIGN_TEXT: Final = tuple(
    (re.compile(start, re.DOTALL), name, remedy) for start, name, remedy in _TEXT
)
#: An element and the end of one: message ids (`<a@b>`) and lone tags are keys.
_ELEMENT: Final = re.compile(rb"<([A-Za-z_][\w:.-]*)(\s[^<>]*)?(/>|>.*?</)", re.DOTALL)
_OBJECT: Final = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*"\s*:|\}\s*$)')
_ARRAY: Final = re.compile(rb'\[\s*(["{[]|(-?\d[\d.eE+-]*|true|false|null)\s*,|[\r\n])')
_MANIFEST_START: Final = re.compile(rb'\{\s*"(entries|fileLocations|manifest|files)"\s*:\s*[\[{]')
_JSON: Final = (
    "write the keys as text or as JSON Lines, one a line, for example by jq -r '.[]', or send "
    "format=jsonl if it is one line of them"
)
#: All that there is, in one line: a form's field in place of its file (curl without the `@`).
_FILE_NAME: Final = re.compile(rb'@?[^\r\n,"]*\.(csv|tsv|parquet)\s*', re.IGNORECASE)
_TAR_HEADER_BYTES: Final = 512
_TAR_SUM: Final = slice(148, 156)


def name_foreign_file(head: bytes) -> ForeignFile | None:
    """What a file is by its binary bytes, if it is no list; ``None`` if nothing is known.

    Such a number counts only with the binary bytes that follow it: ``BZh…`` may begin a key.

    Args:
        head: The file's first bytes, all there are up to ``SNIFF_BYTES``.
    """
    for magic, name, remedy in _BINARY:
        if head.startswith(magic):
            return ForeignFile(name, remedy)
    if head.startswith(_ZIP):
        return _name_zip(head)
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return ForeignFile("bzip2-compressed", _DECOMPRESS)
    for magic, reach, name, remedy in _LETTERS:
        if head.startswith(magic) and _has_control(head[len(magic) : len(magic) + reach]):
            return ForeignFile(name, remedy)
    if head[_DUCKDB] == b"DUCK" and _has_control(head[12:20]):
        return ForeignFile("a DuckDB database", _EXPORT)
    return ForeignFile("a tar archive", _UNPACK) if _is_tar(head) else None


def name_foreign_text(head: bytes) -> ForeignFile | None:
    """What a text is, if it is no list; ``None`` if nothing is known.

    JSON Lines are named as JSON: whether that is what they are is for those who read lines.

    Args:
        head: The text's first bytes in UTF-8, all there are up to ``SNIFF_BYTES``.
    """
    text = head.removeprefix(BOM_UTF8).lstrip()
    for start, name, remedy in _FOREIGN_TEXT:
        if start.match(text):
            return ForeignFile(name, remedy)
    if _FILE_NAME.fullmatch(text):
        remedy = f"{_REAL}: with curl, that is -F file=@name"
        return ForeignFile("the name of a file, not its content", remedy)
    if text.startswith(b"<") and _ELEMENT.match(text):
        return ForeignFile("XML", _KEYS)
    if text.startswith((b"{", b"[")) and _is_json(text):
        if _MANIFEST_START.match(text):
            return ForeignFile("a manifest (JSON)", _MANIFEST)
        return ForeignFile("JSON", _JSON)
    return None


def is_perhaps_lines(head: bytes) -> bool:
    """Whether what :func:`name_foreign_text` calls JSON may be JSON Lines, which are a list."""
    return head.removeprefix(BOM_UTF8).lstrip().startswith(b"{")


def _has_control(data: bytes) -> bool:
    return any(byte < ord(" ") and byte not in b"\t\r\n" for byte in data)


def _name_zip(head: bytes) -> ForeignFile:
    first = head[_ZIP_NAME_AT:]
    if first.startswith(_SHEET_ENTRIES):
        return ForeignFile("a spreadsheet, such as an Excel .xlsx workbook", _SHEET)
    return ForeignFile("a zip archive", _UNPACK)


def _is_tar(head: bytes) -> bool:
    """Whether the first header's checksum is right, which no text's is by chance."""
    header = head[:_TAR_HEADER_BYTES]
    digits = header[_TAR_SUM].strip(b" \x00")
    if len(header) < _TAR_HEADER_BYTES or not re.fullmatch(rb"[0-7]{1,7}", digits):
        return False
    blank = sum(header) - sum(header[_TAR_SUM]) + 8 * ord(" ")
    return int(digits, 8) == blank


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
