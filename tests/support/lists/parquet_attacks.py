"""Parquet files that claim or cost more than they are."""

import io
import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.lists.thrift import Long, struct, varint


def parquet(column: Any, **options: Any) -> bytes:
    """A file of one column."""
    file = io.BytesIO()
    pq.write_table(pa.table({"key": column}), file, **options)
    return file.getvalue()


def repeated_groups(copies: int) -> bytes:
    """One row group that the footer names 2 to this power times."""
    keys = [f"{number}" for number in range(5_000)]
    file = io.BytesIO(parquet(pa.array(keys), use_dictionary=False, compression="none"))
    metadata = pq.read_metadata(file)
    for _ in range(copies):
        metadata.append_row_groups(metadata)
    footer = io.BytesIO()
    metadata.write_metadata_file(footer)
    return file.getvalue()[:-8] + footer.getvalue()[4:]


def run_of(value: str, rows: int) -> bytes:
    """One value, so many times over, in a hundred bytes: a dictionary and one run."""
    plain = len(value).to_bytes(4, "little") + value.encode()
    sizes = ((2, len(plain)), (3, len(plain)))
    dictionary = struct((1, 2), *sizes, (7, struct((1, 1), (2, 0)))) + plain
    run = b"\x01" + varint(rows << 1) + b"\x00"
    header = struct((1, rows), (2, 8), (3, 3), (4, 3))
    page = struct((1, 0), (2, len(run)), (3, len(run)), (5, header)) + run
    data = b"PAR1" + dictionary + page
    claimed = Long(rows)
    stored = Long(len(data) - 4)
    column = struct(
        *((1, 6), (2, [0, 8]), (3, ["k"]), (4, 0), (5, claimed), (6, stored), (7, stored)),
        *((9, Long(4 + len(dictionary))), (11, Long(4))),
    )
    group = struct((1, [struct((2, Long(4)), (3, column))]), (2, stored), (3, claimed))
    schema = [struct((4, "s"), (5, 1)), struct((1, 6), (3, 0), (4, "k"), (6, 0))]
    return _with_footer(data, struct((1, 1), (2, schema), (3, claimed), (4, [group])))


def nested_footer(depth: int) -> bytes:
    """A footer whose schema has so many groups, each inside the one before; no rows."""
    groups = [struct((3, 1), (4, "g"), (5, 1))] * depth
    schema = [struct((4, "s"), (5, 1)), *groups, struct((1, 6), (3, 1), (4, "k"))]
    return _with_footer(b"PAR1", struct((1, 1), (2, schema), (3, Long(0)), (4, [])))


def _with_footer(data: bytes, footer: bytes) -> bytes:
    return data + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def seeds() -> tuple[bytes, ...]:
    """Small whole files of several types, encodings and codecs."""
    texts = pa.array([f"key-{number % 50}" for number in range(300)] + [None])
    numbers = pa.array(range(200), pa.int64())
    return (
        parquet(texts, compression="snappy"),
        parquet(texts, compression="gzip", use_dictionary=False, data_page_version="2.0"),
        parquet(texts, compression="zstd", row_group_size=40),
        parquet(
            numbers, compression="none", use_dictionary=False, column_encoding="DELTA_BINARY_PACKED"
        ),
        parquet(texts, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY"),
        parquet(pa.array([bytes(16)] * 20, pa.uuid())),
        parquet(texts.dictionary_encode()),
    )


def mutated(seed: int, count: int) -> Iterator[bytes]:
    """Files made of the seeds by changing, cutting, doubling or swapping some bytes."""
    source = random.Random(seed)
    originals = seeds()
    for _ in range(count):
        data = bytearray(source.choice(originals))
        for _ in range(source.choice((1, 1, 2, 4, 16))):
            _mutate(data, source)
        yield bytes(data)


def _mutate(data: bytearray, source: random.Random) -> None:
    # Most of what decides is in the footer and the page headers.
    at = source.randrange(len(data)) if source.random() < 0.5 else _near_footer(data, source)
    match source.randrange(4):
        case 0:
            data[at] ^= 1 << source.randrange(8)
        case 1:
            data[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        case 2:
            data[at:at] = source.randbytes(source.choice((1, 4, 8)))
        case _:
            if len(data) > 64:
                del data[at : at + source.choice((1, 2, 8))]


def _near_footer(data: bytearray, source: random.Random) -> int:
    size = int.from_bytes(data[-8:-4], "little")
    return max(0, len(data) - 8 - source.randrange(max(1, min(size, len(data) - 8)) + 1))
