"""The headers of pages, in Thrift's compact protocol.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
(``PageHeader``) and https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from worker.lists.parquet.pages.errors import UnusualPage

#: Longest header: it may hold a least and a greatest value.
HEADER_LIMIT_BYTES: Final = 16 * 1024
_NESTED_LIMIT: Final = 4
_VARINT_LIMIT_BYTES: Final = 10
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
#: 16, 32 and 64 bits.
_INTEGERS: Final = frozenset({4, 5, 6})
_DOUBLE_BYTES: Final = 8


class PageType(IntEnum):
    """What a page holds; others are left to the library."""

    DATA = 0
    DICTIONARY = 2


class Encoding(IntEnum):
    """How a page holds values."""

    PLAIN = 0
    PLAIN_DICTIONARY = 2
    RLE = 3
    RLE_DICTIONARY = 8


@dataclass(frozen=True, slots=True)
class PageHeader:
    """What precedes a page's bytes."""

    header_bytes: int
    type: int
    stored_bytes: int
    """As the page is in the file."""
    page_bytes: int
    """Decompressed."""
    values: int
    """How many it holds, those that are null included."""
    encoding: int
    levels_encoding: int
    checksum: int | None
    """CRC-32 of the stored bytes, if the writer added one."""


def read_header(data: memoryview) -> PageHeader:
    """Read the header that bytes begin with.

    Raises:
        UnusualPage: It is none, or of a kind of page that is not read here.
    """
    try:
        fields, size = _read_struct(data, 0, 0)
        kind = fields[1]
        of_values = fields[5 if kind == PageType.DATA else 7]
        return PageHeader(
            header_bytes=size,
            type=kind,
            stored_bytes=fields[3],
            page_bytes=fields[2],
            values=of_values[1],
            encoding=of_values[2],
            levels_encoding=of_values.get(3, Encoding.RLE),
            checksum=fields.get(4),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise UnusualPage from exc


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """An unsigned number at a place, and the place after it.

    Raises:
        IndexError: It is cut.
        UnusualPage: It is too long.
    """
    number = 0
    for place in range(_VARINT_LIMIT_BYTES):
        byte = data[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return number, at + place + 1
    raise UnusualPage


def _read_struct(data: memoryview, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """The fields of a struct at a place, by their numbers, and the place after it."""
    if depth > _NESTED_LIMIT:
        raise UnusualPage
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            zigzag, at = read_varint(data, at)
            number = _signed(zigzag)
        fields[number], at = _read_value(data, at, head & 0x0F, depth)
    return fields, at + 1


def _read_value(data: memoryview, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        zigzag, at = read_varint(data, at)
        return _signed(zigzag), at
    if kind == _STRUCT:
        return _read_struct(data, at, depth + 1)
    if kind == _BINARY:
        size, at = read_varint(data, at)
        return None, at + size
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if kind == _BYTE:
        return None, at + 1
    if kind == _DOUBLE:
        return None, at + _DOUBLE_BYTES
    raise UnusualPage  # no header has lists so far


def _signed(zigzag: int) -> int:
    return (zigzag >> 1) ^ -(zigzag & 1)
