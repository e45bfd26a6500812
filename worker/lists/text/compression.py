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

from worker.lists.errors import CompressedTooWell, ContradictedOption, DamagedCompression
from worker.options.lists import Compression

#: Bytes that are decompressed at a time.
_PIECE_BYTES: Final = 512 * 1024
#: Bytes handed to gzip's or bzip2's decoder at a time: what is behind a member is copied, and
#: members may be tiny. Where no member ends, they are doubled, because each call lets go of the
#: interpreter's lock and has to get it back.
_SLICE_BYTES: Final = 16 * 1024
_LONGEST_SLICE_BYTES: Final = 64 * 1024
#: A gzip member's header: what each has, and what may follow, by its flags. One that is longer
#: than any is not waited for.
_GZIP_FIXED_BYTES: Final = 10
_GZIP_CHECKSUM, _GZIP_EXTRA, _GZIP_NAME, _GZIP_COMMENT = 0x02, 0x04, 0x08, 0x10
_MOST_HEADER_BYTES: Final = 128 * 1024
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


def choose_compression(head: bytes, told: Compression | None) -> Compression:
    """How a file is compressed: as its first bytes show, which is what is told if anything is.

    Raises:
        ContradictedOption: They show something else than is told.
    """
    found = detect_compression(head)
    if told not in {None, found} and head:
        what = f"is {'not compressed' if found == 'none' else f'compressed by {found}'}"
        raise ContradictedOption(f"compression={told}", what)
    return found


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
    packed: "_PieceFile",
    new_decoder: Callable[[], _MemberDecoder],
    complete: Callable[[bytes, "_PieceFile"], bytes],
) -> Iterator[bytes]:
    """Read members one after another; pyarrow's reader fails at an empty one between others.

    Zeros between and behind them are padding, as of a tape, and nothing else.
    """
    decoder, left = new_decoder(), b""
    begun = ended = False
    slice_bytes = _SLICE_BYTES
    while left or (left := packed.read(slice_bytes)):
        if ended and not begun and not (left := left.lstrip(b"\0")):
            continue
        if not begun:
            left = complete(left, packed)
        begun = True
        data, left = decoder.decompress(left, _PIECE_BYTES), b""
        while data:
            yield data
            data = b"" if decoder.eof else decoder.decompress(b"", _PIECE_BYTES)
        slice_bytes = min(2 * slice_bytes, _LONGEST_SLICE_BYTES)
        if decoder.eof:
            decoder, left = new_decoder(), decoder.unused_data
            begun, ended = False, True
            slice_bytes = _SLICE_BYTES
    if begun:
        raise OSError("the last member is cut short")


def _as_it_comes(data: bytes, packed: "_PieceFile") -> bytes:  # noqa: ARG001 - as of its kind
    return data


def _complete_gzip_header(data: bytes, packed: "_PieceFile") -> bytes:
    """What a member begins with, header and all: the decoder loses one that comes in two parts."""
    while not _has_gzip_header(data) and len(data) < _MOST_HEADER_BYTES:
        more = packed.read(_SLICE_BYTES)
        if not more:
            break
        data += more
    return data


def _has_gzip_header(data: bytes) -> bool:
    """Whether a member's header is there to its end.

    Source: RFC 1952, section 2.3.
    """
    if len(data) < _GZIP_FIXED_BYTES:
        return False
    flags, end = data[3], _GZIP_FIXED_BYTES
    if flags & _GZIP_EXTRA:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for text in (_GZIP_NAME, _GZIP_COMMENT):
        if flags & text:
            end = data.find(b"\0", end) + 1
            if end == 0:
                return False
    return len(data) >= end + (2 if flags & _GZIP_CHECKSUM else 0)


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
    "gzip": partial(_read_members, new_decoder=_gzip_decoder, complete=_complete_gzip_header),
    "bzip2": partial(_read_members, new_decoder=bz2.BZ2Decompressor, complete=_as_it_comes),
    "zstd": _read_zstd,
}


#: What zstd says of a window that is over its bound.
_TOO_WIDE: Final = "Frame requires too much memory"
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
        if _TOO_WIDE in reason:
            remedy = "compress it with a smaller one, such as zstd --long=27"
            reason = "its window takes too much memory, over 128 MiB"
            raise DamagedCompression(compression, reason, remedy) from exc
        raise DamagedCompression(compression, reason) from exc
