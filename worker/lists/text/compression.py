"""Decompresses lists piece by piece, and stops what grows far more than a list would.

Concatenated members (what ``cat a.gz b.gz`` makes) are one list.
"""

import bz2
import io
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

import pyarrow as pa

from worker.list_options import Compression
from worker.lists.errors import CompressedTooWell, DamagedCompression

#: Bytes that are decompressed at a time.
_PIECE_BYTES: Final = 512 * 1024
#: Bytes handed to bzip2 at a time: what is behind a member is copied, and members may be tiny.
_SLICE_BYTES: Final = 16 * 1024
#: What any list may decompress to, and how often its own size beyond that. Sorted numbered keys
#: come to 20 to 60 times; a bomb to 1,000 and more.
FREE_BYTES: Final = 64 * 1024 * 1024
MOST_TIMES: Final = 200

_MAGIC: Final = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_ZSTD_SKIPPABLE: Final = tuple(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))
_BZIP2_BLOCKS: Final = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_CODECS: Final[Mapping[Compression, Literal["gzip", "zstd"]]] = {"gzip": "gzip", "zstd": "zstd"}


def detect_compression(head: bytes) -> Compression:
    """How a file is compressed, by its first bytes. A key may begin with ``BZh``, too."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name  # type: ignore[return-value]  # one of the names above
    if head.startswith(_ZSTD_SKIPPABLE):
        return "zstd"
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    return "none"


def decompress(pieces: Iterator[bytes], compression: Compression) -> Generator[bytes, None, None]:
    """Yield what compressed bytes hold, in pieces of bounded size.

    Memory: a piece, and the window of the compressor: 128 MiB at most, more is refused.

    Args:
        pieces: The file's bytes, in order.
        compression: How they are compressed; ``none`` passes them on.

    Raises:
        DamagedCompression: They are not what they should be, or end too early.
        CompressedTooWell: They hold far more than a list would.
    """
    if compression == "none":
        yield from pieces
        return
    packed = _PieceFile(pieces)
    produced = 0
    with _damage_reported(compression):
        for data in _read_bzip2(packed) if compression == "bzip2" else _read(packed, compression):
            produced += len(data)
            if produced > FREE_BYTES + MOST_TIMES * packed.taken:
                raise CompressedTooWell(packed.taken, produced)
            yield data


def _read(packed: "_PieceFile", compression: Compression) -> Iterator[bytes]:
    stream: Any = pa.PythonFile(packed, mode="r")
    with pa.CompressedInputStream(stream, _CODECS[compression]) as out:
        while data := out.read(_PIECE_BYTES):
            yield data


def _read_bzip2(packed: "_PieceFile") -> Iterator[bytes]:
    """By Python's module: pyarrow's reader fails at an empty member between others."""
    decoder, left = bz2.BZ2Decompressor(), b""
    begun = False
    while left or (left := packed.read(_SLICE_BYTES)):
        begun = True
        data, left = decoder.decompress(left, _PIECE_BYTES), b""
        while data:
            yield data
            data = b"" if decoder.eof else decoder.decompress(b"", _PIECE_BYTES)
        if decoder.eof:
            decoder, left, begun = bz2.BZ2Decompressor(), decoder.unused_data, False
    if begun:
        raise OSError("Truncated compressed stream")


class _PieceFile(io.RawIOBase):
    """Pieces as a file that is read once, from start to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = memoryview(b"")
        self.taken = 0
        """Bytes that were read."""

    def readable(self) -> bool:
        """Always: it cannot be written."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read what is there of the next piece, at most ``size`` bytes; nothing at the end."""
        while not len(self._left):
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = memoryview(piece)
        most = len(self._left) if size is None or size < 0 else size
        data = bytes(self._left[:most])
        self._left = self._left[most:]
        self.taken += len(data)
        return data


@contextmanager
def _damage_reported(compression: Compression) -> Iterator[None]:
    """Translate pyarrow's errors about damaged bytes; those of the source pass."""
    try:
        yield
    except (OSError, pa.ArrowException) as exc:
        # Damage is reported as a plain OSError without a number; any other is the source's.
        if isinstance(exc, OSError) and (type(exc) is not OSError or exc.errno is not None):
            raise
        reason = str(exc).split("\n", maxsplit=1)[0].rstrip(". ")
        raise DamagedCompression(compression, reason) from exc
