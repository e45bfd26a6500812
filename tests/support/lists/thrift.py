"""Thrift's compact protocol, as much of it as a Parquet file is made of."""

from collections.abc import Sequence
from typing import TypeAlias

#: A field's value: an i32 or i64, a string, a struct that is encoded, or a list.
Value: TypeAlias = "int | str | Struct | Sequence[int] | Sequence[str] | Sequence[Struct]"

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_FEW = 15


class Long(int):
    """An i64."""

    __slots__ = ()


class Struct(bytes):
    """An encoded struct."""

    __slots__ = ()


def struct(*fields: tuple[int, Value]) -> Struct:
    """Encode fields in the order of their numbers."""
    encoded, last = b"", 0
    for number, value in fields:
        encoded += bytes([(number - last) << 4 | _kind(value)]) + _encoded(value)
        last = number
    return Struct(encoded + b"\x00")


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def _kind(value: Value) -> int:
    if isinstance(value, int):
        return _I64 if isinstance(value, Long) else _I32
    if isinstance(value, Struct):
        return _STRUCT
    return _BINARY if isinstance(value, str) else _LIST


def _encoded(value: Value) -> bytes:
    if isinstance(value, int):
        return varint(value << 1)
    if isinstance(value, Struct):
        return value
    if isinstance(value, str):
        return varint(len(value)) + value.encode()
    size = len(value)
    head = bytes([min(size, _FEW) << 4 | _kind(value[0])]) if size else bytes([_STRUCT])
    head += varint(size) if size >= _FEW else b""
    return head + b"".join(_encoded(one) for one in value)
