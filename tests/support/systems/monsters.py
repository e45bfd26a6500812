"""Imports lists as heavy as lists may be, and prints what memory each took at most, as JSON lines.

Run by ``python -m tests.support.systems.monsters REDIS_PORT S3_PORT SCALE``, so that a worker's
own modules and work are counted and nothing else. No list is ever held as a whole.
"""

import bz2
import itertools
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process
from worker.options.lists import ListOptions

MIB: Final = 1024 * 1024
#: Longest block of a zstd frame.
_BLOCK: Final = 128 * 1024

Pieces = Iterable[bytes]


def _repeat(text: bytes, mib: int) -> Pieces:
    """Text over and over."""
    return itertools.repeat(text * (MIB // len(text)), mib)


def _number(mib: int) -> Iterator[bytes]:
    """Short keys that are all different."""
    for start in range(0, mib * MIB // 7, 100_000):
        yield b"".join(b"%06x\n" % number for number in range(start, start + 100_000))


def _pack(packer: Any, pieces: Pieces) -> Iterator[bytes]:
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _zstd_of_wide_window(pieces: Pieces) -> Iterator[bytes]:
    """A frame that wants a window of 128 MiB, of blocks that are not compressed."""
    yield b"\x28\xb5\x2f\xfd\x00" + bytes([(27 - 10) << 3])
    for piece in pieces:
        for start in range(0, len(piece), _BLOCK):
            block = piece[start : start + _BLOCK]
            yield (len(block) << 3).to_bytes(3, "little") + block
    yield b"\x01\x00\x00"


def _parquet(rows: int, text_bytes: int, **options: Any) -> Iterator[bytes]:
    """One row group, by a process of its own: what writing takes is not to be counted."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        places: Any = pa.nulls(rows, pa.int64()).fill_null(0)
        table = pa.table({"key": pa.array(["k" * text_bytes], pa.large_string()).take(places)})
        with os.fdopen(writing, "wb") as file:
            options |= {"row_group_size": rows, "compression": "zstd"}
            pq.write_table(table, pa.PythonFile(file), **options)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        while piece := file.read(MIB):
            yield piece
    os.wait()


#: Each by its name: its bytes at a scale, and how it is read.
MONSTERS: Final[dict[str, tuple[Callable[[int], Pieces], dict[str, Any]]]] = {
    "one key": (lambda scale: _repeat(b"a\n", 8 * scale), {}),
    "short keys": (lambda scale: _number(2 * scale), {}),
    "long keys": (lambda scale: _repeat(b"k" * 1_023 + b"\n", 8 * scale), {}),
    "long rows": (lambda scale: _repeat(b"k," + b"x" * (MIB - 3) + b"\n", 8 * scale), {}),
    "stray quotes": (lambda scale: _repeat(b'a"b"\nb\n', scale), {}),
    "doubts": (lambda scale: _repeat("a\u00a0\nNULL\n1.0\n\n".encode(), scale), {}),
    "header": (lambda scale: _repeat(b"column,", 4 * scale), {"header": True}),
    "gzip": (lambda scale: _pack(zlib.compressobj(1, wbits=31), _number(2 * scale)), {}),
    "bzip2": (lambda scale: _pack(bz2.BZ2Compressor(), _number(scale)), {}),
    "zstd": (lambda scale: _zstd_of_wide_window(_repeat(b"k" * 36 + b"\n", 132 * scale)), {}),
    "utf-16": (lambda scale: _repeat("k\n".encode("utf-16-le"), 4 * scale), {}),
    "latin-1": (lambda scale: _repeat(b"\xe9\n", scale), {"encoding": "latin-1"}),
    "json": (
        lambda scale: _repeat(b'{"a":[' + b"[]," * 300_000 + b'0],"b":1}\n', scale),
        {"format": "jsonl", "column": "b"},
    ),
    "parquet of one group": (lambda scale: _parquet(2_000_000 * scale, 16), {}),
    "parquet of one page": (
        lambda scale: _parquet(2_000_000 * scale, 16, use_dictionary=False, data_page_size=1 << 30),
        {},
    ),
    "parquet of one cell": (
        lambda scale: _parquet(1, 200 * MIB * scale, dictionary_pagesize_limit=1 << 30),
        {},
    ),
}


def main() -> None:
    """Import each; the most memory that this process and its decoder of Parquet held."""
    redis_port, s3_port, scale = map(int, sys.argv[1:])
    server = Server("valkey", redis_port, Path(), ())
    storage: Any = ObjectServer(s3_port, None, Path())  # type: ignore[arg-type]  # not its own
    with imports_in_process(server, storage) as imports:
        for name in MONSTERS:
            print(json.dumps(_measure(imports, name, scale)), flush=True)  # noqa: T201 - its output


def _measure(imports: Imports, name: str, scale: int) -> dict[str, Any]:
    make, options = MONSTERS[name]
    pieces = make(scale)
    request = imports.start_pieces(imports.list_of(), pieces, reading=ListOptions(**options))
    # What is held now is the most that was held, from here on.
    Path("/proc/self/clear_refs").write_text("5")
    state = imports.finish(request)
    return {
        "name": name,
        "status": state.status,
        "reason": state.reason,
        "worker_mib": _peak_kib() // 1024,
        "decoder_mib": imports.services.parquet.peak_kib // 1024,
    }


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
