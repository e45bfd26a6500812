"""Files as people have them: each is imported rightly, or stopped, or told of in the report."""

import decimal
import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process, kinds_of, rows_of
from worker.options.guards import GuardOptions
from worker.options.lists import ListOptions

DATA = Path(__file__).parents[3] / "data"
OLD = ("old-1", "old-2")


@pytest.fixture(scope="module")
def imports(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in) as running:
        yield running


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("list.csv")
        info.size = len(b"k-one\nk-two\n")
        archive.addfile(info, io.BytesIO(b"k-one\nk-two\n"))
    return file.getvalue()


def decimals(scale: int) -> Any:
    values = [decimal.Decimal(12345), decimal.Decimal(2), None]
    return pa.array(values, pa.decimal128(38, scale))


JSON_LINES = b'{"user_id":"k-one"}\n{"user_id":"k-two"}\n'
TWO_FIELDS = b'{"id":1,"user_id":"k-one"}\n{"id":2,"user_id":"k-two"}\n'
MANIFEST = b'{"entries":[\n {"url":"s3://b/lists/part0"}\n]}\n'
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 12\n"
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>\n'
HTML = b"<!DOCTYPE html>\n<html><head><title>t</title></head>\n<body>b</body></html>\n"


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param(LFS, "replace", "a Git LFS pointer", id="lfs-pointer"),
        pytest.param(XML, "replace", "error message of S3.*failed download", id="s3-error-page"),
        pytest.param(HTML, "replace", "an HTML page", id="html-page"),
        pytest.param(
            b'{"error":"gone"}\n',
            "replace",
            "the file is JSON, not a list; write",
            id="json-message",
        ),
        pytest.param(TWO_FIELDS, "replace", "objects of 2 fields; send column", id="json-fields"),
        pytest.param(
            (DATA / "integers-of-128-bits.parquet").read_bytes(), "merge", "as text", id="128-bits"
        ),
        pytest.param(b'[\n  "k-one",\n  "k-two"\n]\n', "replace", "is JSON", id="json-array"),
        pytest.param(MANIFEST, "replace", "a manifest", id="unload-manifest"),
        pytest.param(
            b'k-one\n"k-two\nk-3\nk-4\n', "replace", "quote that opens in row 2", id="open"
        ),
        pytest.param(
            b"k\n" + b"k-one\tA\n" * 9, "merge", "rejected.*delimiter=tab", id="tab-merge"
        ),
        pytest.param(
            parquet(ID=pa.array([decimal.Decimal("1.50")], pa.decimal128(10, 2))),
            "replace",
            r"column 1 is decimal128.*CAST.*ID: decimal128\(10, 2\)",
            id="decimal-scale-2",
        ),
        pytest.param(b"m\xfc-1\njos\xe9\nk-3\n", "replace", "encoding=windows-1252", id="cp1252"),
        pytest.param(tar(), "replace", "a tar archive", id="tar"),
        pytest.param(gzip.compress(tar()), "merge", "a tar archive, not a list; unpack", id="tgz"),
        pytest.param(workbook(), "replace", "export the sheet as CSV", id="xlsx"),
        pytest.param(
            HTML.decode().encode("utf-16"),
            "replace",
            "HTML page.*fetch the list again",
            id="utf-16",
        ),
        pytest.param(b"\x04\x22\x4d\x18\x60\x40\x82k-one\n", "merge", "lz4-compressed", id="lz4"),
        pytest.param(b"ORC\n\x0b\x08\x03", "replace", "an ORC file", id="orc"),
        pytest.param(
            (DATA / "aborts-reader-1.parquet").read_bytes(), "merge", "damaged", id="aborts-1"
        ),
        pytest.param(
            (DATA / "aborts-reader-2.parquet").read_bytes(), "merge", "damaged", id="aborts-2"
        ),
    ],
)
def test_import__of_what_is_no_list__stopped_by_name_and_nothing_is_lost(
    imports: Imports, content: bytes, mode: str, reason: str
) -> None:
    ref = imports.list_of(*OLD)
    state = imports.run(ref, content, mode, guards=GuardOptions(on_guard="stop"))
    assert state.status == "stopped"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(state.reason)
    assert imports.members(ref) == set(OLD)


@pytest.mark.parametrize(
    ("content", "members", "warnings"),
    [
        pytest.param(b",user_id\n0,k-one\n1,k-two\n", None, {"index_column": 2}, id="pandas"),
        pytest.param(b"0,k-one\n1,k-two\n", None, {"index_column": 2}, id="index without header"),
        pytest.param(b'"","id"\n"1","a"\n"2","b"\n', None, {"index_column": 2}, id="index of R"),
        pytest.param(b"id,x\n0,a\n1,b\n", None, {"header": 1, "index_column": 2}, id="named index"),
        pytest.param(b"0\n1\n2\n", {"0", "1", "2"}, {}, id="numbers alone"),
        pytest.param(b"1,Ada\n2,Bob\n", {"1", "2"}, {}, id="numbers from 1"),
        pytest.param(b"0,a\n1,b\n7,c\n3,d\n", None, {}, id="numbers in no order"),
        pytest.param(
            parquet(index=[0, 1], user_id=["k-one", "k-two"]),
            None,
            {"other_text_column": 1},
            id="pandas-parquet",
        ),
        pytest.param(b"sep=;\r\nk-one;A\r\nk-two;B\r\n", {"k-one", "k-two"}, {}, id="sep-line"),
        pytest.param(
            b"id;name\nk-one;A\nk-two;B\n", None, {"header": 1, "semicolon": 3}, id="semicolon"
        ),
        pytest.param(b"k-one|A\nk-two|B\n", None, {"pipe": 2}, id="pipe"),
        pytest.param(b"k-one\tA\nk-two\tB\n", {"k-one", "k-two"}, {}, id="tabs"),
        pytest.param(JSON_LINES, {"k-one", "k-two"}, {}, id="json-lines"),
        pytest.param(
            "k-one\r\nk-two\r\n".encode("utf-16-le"), {"k-one", "k-two"}, {}, id="utf16le"
        ),
        pytest.param(b"user_id\nk-one\n", None, {"header": 1}, id="header"),
        pytest.param(b'"Email"\r\na@x.example\r\n', None, {"header": 1}, id="header-email"),
        pytest.param(parquet(ID=decimals(0)), {"12345", "2"}, {}, id="decimal38"),
        pytest.param(b"123.0\n1.23457E+15\n", None, {"float_number": 2}, id="float-text"),
        pytest.param(
            "k-one\u00a0\n\u200bk-two\nk-3 \n".encode(),
            {"k-one\u00a0", "\u200bk-two", "k-3 "},
            {"edge_or_invisible_space": 3},
            id="edge-spaces",
        ),
        pytest.param(
            b"NULL\n\\N\nNaN\n(null)\nNone\nk-one\n", None, {"null_text": 5}, id="null-texts"
        ),
        pytest.param(
            "\ufeffk-one\n\ufeffk-two\n".encode(),
            {"k-one", "k-two"},
            {"byte_order_mark": 1},
            id="double-bom",
        ),
        pytest.param(
            b'="00123"\n4.892E+092\n',
            {"00123", "4.892E+092"},
            {"text_guard": 1, "float_number": 1},
            id="excel-guard",
        ),
        pytest.param(b'a\n"b\nc"\nd\n', {"a", "d"}, {"quoted_lines": 1}, id="quoted-lines"),
        pytest.param(
            b".\n..\n...\na/..\n", {".", "..", "...", "a/.."}, {"unreachable_by_path": 2}, id="dots"
        ),
        pytest.param(b"k-one\nk-two\n", {"k-one", "k-two"}, {}, id="plain"),
        pytest.param(b"a;b\nkey-2\n10.0.0.1\nuser-id\n", None, {}, id="odd but single"),
    ],
)
def test_import__of_a_doubtful_list__members_as_they_should_be_and_the_doubt_told(
    imports: Imports, content: bytes, members: set[str] | None, warnings: dict[str, int]
) -> None:
    ref = imports.list_of(*OLD)
    state = imports.run(ref, content, "replace", guards=GuardOptions(on_warning="accept"))
    assert state.status == "complete", state.reason
    assert kinds_of(state) == warnings
    if members is not None:
        assert imports.members(ref) == members


def test_import__column_of_nulls__is_complete_with_blank_rows(imports: Imports) -> None:
    ref = imports.list_of(*OLD)
    state = imports.run(ref, parquet(ID=pa.nulls(2)), "merge")
    assert state.status == "complete", state.reason
    assert (state.report or {})["rejectedByReason"] == {"blank": 2}
    assert imports.members(ref) == set(OLD)


def test_import__delimiter_told__keys_may_hold_the_others(imports: Imports) -> None:
    ref = imports.list_of(*OLD)
    state = imports.run(ref, b"a;1\nb;2\n", "replace", reading=ListOptions(delimiter="comma"))
    assert kinds_of(state) == {}
    assert imports.members(ref) == {"a;1", "b;2"}


@pytest.mark.parametrize(
    ("content", "status"), [(XML, "complete"), (LFS, "complete"), (workbook(), "stopped")]
)
def test_import__format_told__text_of_any_kind_is_read_and_what_is_binary_is_not(
    imports: Imports, content: bytes, status: str
) -> None:
    state = imports.run(imports.list_of(), content, reading=ListOptions(format="csv"))
    assert state.status == status, state.reason


@pytest.mark.parametrize("broken", [False, True])
def test_import__index_in_several_chunks__told_if_most_rows_of_all_count_up(
    valkey_server: Server, s3_stand_in: ObjectServer, *, broken: bool
) -> None:
    lines = [f"{n},key-{n:05}" for n in range(1_000)]
    if broken:
        lines[600:] = reversed(lines[600:])
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=1_024) as imports:
        state = imports.run(imports.list_of(), "\n".join([",user", *lines]).encode())
    assert kinds_of(state) == ({} if broken else {"index_column": 1_000})
    if not broken:
        assert rows_of(state, "index_column") == [*range(2, 12)]


def test_import__doubts_in_several_chunks__rows_counted_over_all_of_them(
    valkey_server: Server, s3_stand_in: ObjectServer
) -> None:
    lines = [f"key-{n:05}" for n in range(1_000)]
    lines[700], lines[950] = "NULL", "None"
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=1_024) as imports:
        ref = imports.list_of()
        state = imports.run(ref, "\n".join(lines).encode())
    assert kinds_of(state) == {"null_text": 2}
    assert rows_of(state, "null_text") == [701, 951]
