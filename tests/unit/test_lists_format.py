import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from worker.lists.errors import UnsupportedFormat
from worker.lists.format import SNIFF_BYTES, ListFormat, sniff


def parquet_bytes(rows: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"key": pa.array(["a"] * rows, pa.string())}), file)
    return file.getvalue()


def zip_bytes() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("list.csv", "a\n")
    return file.getvalue()


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_sniff__parquet__parquet(rows: int) -> None:
    content = parquet_bytes(rows)
    assert sniff(content[:SNIFF_BYTES], content[-SNIFF_BYTES:]) is ListFormat.PARQUET
    assert sniff(content[:SNIFF_BYTES], None) is ListFormat.PARQUET


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"a\n",
        b"PAR1\n",
        b"PAR1",
        b"PAR12345\n",
        b"PARENT\n",
        b"PARE\r\n",
        b"BZh9 is my key\n",
        b"PK",
        b"\xef\xbb\xbfa\n",
        '"é"'.encode(),
        b"\xff",
    ],
)
def test_sniff__text_however_it_begins__csv(head: bytes) -> None:
    assert sniff(head, head) is ListFormat.CSV or head == b"PAR1"
    assert sniff(head, None) is ListFormat.CSV


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (gzip.compress(b"a\n", mtime=0), "gzip"),
        (bz2.compress(b"a\n"), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (lzma.compress(b"a\n"), "xz"),
        (bytes(pa.compress(b"a\n", codec="zstd", asbytes=True)), "zstd"),
        (zip_bytes(), "zip"),
        ("a\n".encode("utf-16"), "UTF-16"),
        ("\ufeffa\n".encode("utf-16-be"), "UTF-16"),
        (b"PARE\x15\x00", "encrypted Parquet"),
    ],
)
def test_sniff__format_that_is_not_read__named(content: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=name):
        sniff(content[:SNIFF_BYTES], content[-SNIFF_BYTES:])
