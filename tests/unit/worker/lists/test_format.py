import io
import lzma
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from worker.lists.format import (
    SNIFF_BYTES,
    is_parquet,
    name_foreign_file,
    name_foreign_text,
)


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
def test_is_parquet__parquet__is_it(rows: int) -> None:
    content = parquet_bytes(rows)
    assert is_parquet(content[:SNIFF_BYTES], content[-SNIFF_BYTES:])
    assert is_parquet(content[:SNIFF_BYTES], None)


def name_foreign(content: bytes) -> str | None:
    head = content[:SNIFF_BYTES]
    return name_foreign_file(head) or name_foreign_text(head)


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
        b"ORC-123\nORC\n",
        b"{3F2504E0-4F89-11D3-9A0C-0305E82C3301}\n",
        b"{}\n{x}\n",
        b"[7]\n[8]\n",
        b"[a]\n",
        b"<id@example.com>\n<other@example.com>\n",
        b"<a>\n<b>\n",
        b"versions\nversion https\n",
        b"a\x00b\n",
        b"x" * 2_048,
        b"0" * 2_048,
        b"k-1\n" * 512,
        b"list.csv\nother.csv\n",
        b"list.csv,1\n",
        b"a.csv.b\n",
    ],
)
def test_name_foreign__text_however_it_begins__none(head: bytes) -> None:
    assert not is_parquet(head, head) or head == b"PAR1"
    assert not is_parquet(head, None)
    assert name_foreign(head) is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (lzma.compress(b"a\n"), "xz"),
        (zip_bytes(), "zip"),
        (b"PARE\x15\x00", "encrypted Parquet"),
        (b"\x02\x21\x4c\x18rest", "lz4"),
        (b"\xff\x06\x00\x00sNaPpY", "snappy"),
        (b"7z\xbc\xaf\x27\x1c\x00", "7z"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"ORC\x11\x00\x00\x0a\x12", "ORC"),
        (b"ARROW1\x00\x00\xff", "Arrow"),
        (b"SQLite format 3\x00", "SQLite"),
        ("a\n".encode("utf-32"), "UTF-32"),
        (b"%PDF-1.7\n", "PDF"),
        (b"-----BEGIN PGP MESSAGE-----\n", "PGP"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<a/>", "XML"),
        (b"<Error><Code>AccessDenied</Code></Error>", "XML"),
        (b"\n <HTML><body>", "HTML"),
        (b"<!doctype html>", "HTML"),
        (b'{"a":1}\n{"a":2}\n', "JSON"),
        (b'{\n  "a": "' + b"x" * 3_000, "JSON"),
        (b'["a","b"', "JSON"),
        (b"[1,\n2]", "JSON"),
        (b'[{"a":1},', "JSON"),
        (b"customers.csv", "name of a file"),
        (b"@/data/My List.CSV\n", "name of a file"),
        (b"s3://bucket/lists/part-0.parquet\r\n", "name of a file"),
        (b'{"entries":[{"url":"s3://b/k"}]}', "manifest"),
    ],
)
def test_name_foreign__format_that_is_not_read__named(content: bytes, name: str) -> None:
    assert name in (name_foreign(content) or "")
