"""Compressed lists come in pieces of bounded size, or the reason why they do not."""

import bz2
import gzip
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from worker.lists.errors import CompressedTooWell, DamagedCompression, ReadCutShort
from worker.lists.text.compression import FREE_BYTES, decompress, detect_compression

TEXT = b"".join(b"key-%d\n" % number for number in range(200_000))


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstd], ids=["gzip", "bzip2", "zstd"])
def test_decompress__members_in_pieces__all_of_them_in_bounded_pieces(pack: Any) -> None:
    content = pack(TEXT) + pack(b"") + pack(b"last")
    kind = detect_compression(content)
    pieces = (content[at : at + 1_000] for at in range(0, len(content), 1_000))

    found = list(decompress(pieces, kind))

    assert b"".join(found) == TEXT + b"last"
    assert max(map(len, found)) <= 512 * 1024


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "none"),
        (b"BZh9 is my key\n", "none"),
        (b"\x1f\x8b", "none"),
        (b"\x52\x2a\x4d\x18\x00\x00\x00\x00\x28\xb5\x2f\xfd", "zstd"),
        (bz2.compress(b""), "bzip2"),
    ],
)
def test_detect__head__compression(head: bytes, kind: str) -> None:
    assert detect_compression(head) == kind


@pytest.mark.parametrize(
    "content",
    [gzip.compress(TEXT)[:-1], gzip.compress(TEXT) + b"more", zstd(TEXT)[:-1], b"key\n"],
    ids=["gzip cut short", "gzip and more", "zstd cut short", "not compressed"],
)
def test_decompress__damaged__says_so(content: bytes) -> None:
    kind = "zstd" if content[:1] == b"\x28" else "gzip"

    with pytest.raises(DamagedCompression, match=f"cannot be decompressed .{kind}"):
        list(decompress(iter((content,)), "zstd" if kind == "zstd" else "gzip"))


def test_decompress__window_over_the_bound__is_refused_before_it_is_taken() -> None:
    window_of_2_gib = b"\x28\xb5\x2f\xfd" + bytes([0, (31 - 10) << 3]) + b"\x29\x00\x00hello"

    with pytest.raises(DamagedCompression, match="too much memory"):
        list(decompress(iter((window_of_2_gib,)), "zstd"))


def test_decompress__of_a_bomb__ends_soon_after_the_bound() -> None:
    produced: list[int] = []

    with pytest.raises(CompressedTooWell):
        produced.extend(map(len, decompress(iter((zstd(bytes(4 * FREE_BYTES)),)), "zstd")))

    assert sum(produced) < 2 * FREE_BYTES


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstd], ids=["gzip", "bzip2", "zstd"])
def test_decompress__members_of_nothing__cost_no_more_than_their_bytes(pack: Any) -> None:
    member = pack(b"")
    content = member * (512 * 1024 // len(member)) + pack(b"last")
    started = time.process_time()

    assert b"".join(decompress(iter((content,)), detect_compression(content))) == b"last"

    assert time.process_time() - started < 0.4


def test_decompress__source_that_fails__its_own_error() -> None:
    def cut() -> Iterator[bytes]:
        yield gzip.compress(TEXT)[:100]
        raise ReadCutShort(start=0, end=9, received=1)

    with pytest.raises(ReadCutShort):
        list(decompress(cut(), "gzip"))
