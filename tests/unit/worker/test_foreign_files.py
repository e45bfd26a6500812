import io
import lzma
import zipfile

import pytest

from worker.foreign_files import (
    SNIFF_BYTES,
    ForeignFile,
    is_perhaps_lines,
    name_foreign_file,
    name_foreign_text,
)


def zip_bytes(name: str, content: str = "a\n") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def name_foreign(content: bytes) -> ForeignFile | None:
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
        b"PK\nPKW\n",
        b"MZ-1\nMZ-2\n",
        b"BMW\t1\nBMX\t2\n",
        b"RIFF\nGIF89a\n",
        b"{a}\n{b}\n",
        b"<a\n<b\n",
        b"#!key\n",
        b"HTTP/2 is a key\n",
        b"--key\n--other\n",
        b"s3://bucket/key,1\ns3://bucket/other,2\n",
        b"-- MySQL\n",
        b"12345678DUCK\n",
        "\u00ff\u00ff\u00ff\u00ff-1\n".encode("latin-1"),
        "\u00ff\u00d8\u00ff-1\n".encode("latin-1"),
    ],
)
def test_name_foreign__text_however_it_begins__none(head: bytes) -> None:
    assert name_foreign(head) is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (lzma.compress(b"a\n"), "xz"),
        (zip_bytes("list.csv"), "zip"),
        (zip_bytes("[Content_Types].xml"), "xlsx"),
        (zip_bytes("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), "spreadsheet"),
        (b"\xff\xff\xff\xff\x78\x00\x00\x00", "Arrow stream"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"GIF89a\x01\x00", "GIF"),
        (b"BM\x8a\x00\x00\x00", "BMP"),
        (b"RIFF\x24\x00\x00\x00WEBP", "RIFF"),
        (b"\x7fELF\x02\x01\x01", "executable"),
        (b"MZ\x90\x00\x03", "executable"),
        (b"#!/bin/sh\n", "script"),
        (b"REDIS0011\xfa\x09redis-ver\x057.2.4", "Redis"),
        (b"12345678DUCK\x40\x00\x00\x00", "DuckDB"),
        (b"-- MySQL dump 10.13", "MySQL"),
        (b"{\\rtf1\\ansi", "RTF"),
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
        (b"HTTP/1.1 403 Forbidden\r\nDate: x\r\n\r\n", "answer of a server"),
        (b"--5f0c\r\nContent-Disposition: form-data; name=", "form"),
        (b"customers.csv", "name of a file"),
        (b"@/data/My List.CSV\n", "name of a file"),
        (b"s3://bucket/lists/part-0.parquet\r\n", "name of a file"),
        (b"s3://lists/a b.csv\r\ns3://lists/b.csv\r\n", "manifest"),
        (b'{"entries":[{"url":"s3://b/k"}]}', "manifest"),
    ],
)
def test_name_foreign__format_that_is_not_read__named(content: bytes, name: str) -> None:
    found = name_foreign(content)
    assert found is not None
    assert name in found.name
    assert f"not a list; {found.remedy}" in str(found)


@pytest.mark.parametrize(
    ("head", "perhaps"),
    [(b'\xef\xbb\xbf \n{"a":1}\n', True), (b'["a"]', False), (b"<a/>", False), (b"", False)],
)
def test_is_perhaps_lines__head__only_of_objects(head: bytes, *, perhaps: bool) -> None:
    assert is_perhaps_lines(head) == perhaps
