"""Reads the payloads of shards, written apart from the code that builds them."""

from collections.abc import Iterator

from anycrc import Model

_SENTINEL_ENTRY = b"\x81\x00\x02"
_END = b"\xff" + (11).to_bytes(2, "little")
_TYPE = 0x14


def read_payload(payload: bytes) -> list[bytes]:
    """Give back the members that a payload was built from, without the sentinel.

    Raises:
        ValueError: these are not bytes that ``build_payloads`` makes.
    """
    content, checksum = payload[:-8], payload[-8:]
    if Model("CRC64-REDIS").calc(content).to_bytes(8, "little") != checksum:
        raise ValueError("the payload is damaged: its checksum is wrong")
    size, start = _read_length(content, 1)
    listpack = content[start : -len(_END) + 1]
    members = list(_read_entries(listpack[6 + len(_SENTINEL_ENTRY) : -1]))
    header = size.to_bytes(4, "little") + min(len(members) + 1, 0xFFFF).to_bytes(2, "little")
    if content[0] != _TYPE or not content.endswith(_END) or len(listpack) != size:
        raise ValueError("the payload is not a set as a listpack")
    if not listpack.startswith(header + _SENTINEL_ENTRY):
        raise ValueError("the payload is not a set that begins with the sentinel")
    return members


def _read_length(content: bytes, at: int) -> tuple[int, int]:
    """A length of an RDB file, and where what follows it begins."""
    first = content[at]
    if first < 0x40:
        return first, at + 1
    if first < 0x80:
        return int.from_bytes(content[at : at + 2]) & 0x3FFF, at + 2
    return int.from_bytes(content[at + 1 : at + 5]), at + 5


def _read_entries(entries: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(entries):
        long = entries[at] >= 0xE0
        head_size = 2 if long else 1
        length = int.from_bytes(entries[at : at + head_size]) & (0xFFF if long else 0x3F)
        size = head_size + length
        yield entries[at + head_size : at + size]
        at += size + 1 + (size > 0x7F)
