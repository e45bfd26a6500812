"""Decompresses lists piece by piece, and stops what grows far more than a list would.

Concatenated members (what ``cat a.gz b.gz`` makes) are one list.
"""

import bz2
import io
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol, cast

import pyarrow as pa
from isal import igzip_lib

from worker.list_options import Compression
from worker.lists.errors import CompressedTooWell, DamagedCompression

#: Bytes that are decompressed at a time.
_PIECE_BYTES: Final = 512 * 1024
#: Bytes handed to gzip's or bzip2's decoder at a time: what is behind a member is copied, and
#: members may be tiny. Where no member ends, they are doubled, because each call lets go of the
#: interpreter's lock and has to get it back.
_SLICE_BYTES: Final = 16 * 1024
_LONGEST_SLICE_BYTES: Final = 64 * 1024
#: What any list may decompress to, and how often its own size beyond that. Sorted numbered keys
#: come to 20 to 60 times; a bomb to 1,000 and more.
FREE_BYTES: Final = 64 * 1024 * 1024
MOST_TIMES: Final = 200

_MAGIC: Final = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_ZSTD_SKIPPABLE: Final = tuple(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))
_BZIP2_BLOCKS: Final = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")


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
        for data in _READERS[compression](packed):
            produced += len(data)
            if produced > FREE_BYTES + MOST_TIMES * packed.taken:
                raise CompressedTooWell(packed.taken, produced)
            yield data


def _read_zstd(packed: "_PieceFile") -> Iterator[bytes]:
    stream: Any = pa.PythonFile(packed, mode="r")
    with pa.CompressedInputStream(stream, "zstd") as out:
        while data := out.read(_PIECE_BYTES):
            yield data


class _MemberDecoder(Protocol):
    """Decompresses one member; what ``bz2`` and ``igzip_lib`` have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def _gzip_decoder() -> _MemberDecoder:
    # 70 ns for a line of a UUID; zlib takes 180.
    decoder: _MemberDecoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return decoder


def _read_members(
    packed: "_PieceFile", new_decoder: Callable[[], _MemberDecoder]
) -> Iterator[bytes]:
    """Read members one after another; pyarrow's reader fails at an empty one between others."""
    decoder, left = new_decoder(), b""
    begun, slice_bytes = False, _SLICE_BYTES
    while left or (left := packed.read(slice_bytes)):
        begun = True
        data, left = decoder.decompress(left, _PIECE_BYTES), b""
        while data:
            yield data
            data = b"" if decoder.eof else decoder.decompress(b"", _PIECE_BYTES)
        slice_bytes = min(2 * slice_bytes, _LONGEST_SLICE_BYTES)
        if decoder.eof:
            decoder, left, begun = new_decoder(), decoder.unused_data, False
            slice_bytes = _SLICE_BYTES
    if begun:
        raise OSError("the last member is cut short")


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


_READERS: Final[Mapping[Compression, Callable[[_PieceFile], Iterator[bytes]]]] = {
    "gzip": partial(_read_members, new_decoder=_gzip_decoder),
    "bzip2": partial(_read_members, new_decoder=bz2.BZ2Decompressor),
    "zstd": _read_zstd,
}


#: The type of gzip's error is one, whatever the library's stub says.
_DAMAGE: Final = (OSError, cast("type[Exception]", igzip_lib.error), pa.ArrowException)


@contextmanager
def _damage_reported(compression: Compression) -> Iterator[None]:
    """Translate the libraries' errors about damaged bytes; those of the source pass."""
    try:
        yield
    except _DAMAGE as exc:
        # Damage is reported as a plain OSError without a number; any other is the source's.
        if isinstance(exc, OSError) and (type(exc) is not OSError or exc.errno is not None):
            raise
        reason = str(exc).split("\n", maxsplit=1)[0].rstrip(". ")
        raise DamagedCompression(compression, reason) from exc
