"""Lists in every form that is read, as their importers say and as their content shows."""

import bz2
import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process, rows_of
from worker.options.lists import ListOptions

KEYS = {"k-one", "jos\u00e9", "12"}


@pytest.fixture(scope="module")
def imports(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in) as running:
        yield running


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def pandas_parquet() -> bytes:
    return parquet(__index_level_0__=[0, 1, 2], user=[*KEYS])


def pandas_parquet_by_user() -> bytes:
    """As `set_index("user").to_parquet()` writes it: the first column of CSV is the last."""
    table = pa.table({"plan": ["pro", "free", "pro"], "user": [*KEYS]})
    file = io.BytesIO()
    frame = {b"pandas": b'{"index_columns": ["user"], "columns": []}'}
    pq.write_table(table.replace_schema_metadata(frame), file)
    return file.getvalue()


PLAIN = "k-one\njos\u00e9\n12\n"
TABLE = 'n;"user id"\r\n1;k-one\r\n2;"jos\u00e9"\r\n3;12\r\n'
NESTED = {"name": [{"a": 1, "b": 2}] * 3, "user": [*KEYS]}


@pytest.mark.parametrize(
    ("content", "options", "found"),
    [
        pytest.param(
            gzip.compress(b"k-one\n") + gzip.compress("jos\u00e9\n12".encode()),
            {},
            {"compression": "gzip"},
            id="gzip of two members",
        ),
        pytest.param(
            zstd(b"k-one\n") + zstd("jos\u00e9\n12".encode()),
            {},
            {"compression": "zstd"},
            id="zstd",
        ),
        pytest.param(bz2.compress(PLAIN.encode()), {}, {"compression": "bzip2"}, id="bzip2"),
        pytest.param(PLAIN.encode("utf-16"), {}, {"encoding": "utf-16le"}, id="utf-16"),
        pytest.param(
            gzip.compress(PLAIN.encode("utf-16-be")),
            {},
            {"encoding": "utf-16be", "compression": "gzip"},
            id="utf-16be without a mark in gzip",
        ),
        pytest.param(
            PLAIN.encode("cp1252"),
            {"encoding": "windows-1252"},
            {"encoding": "windows-1252"},
            id="windows-1252",
        ),
        pytest.param(
            TABLE.encode("latin-1"),
            {"column": "USER ID", "encoding": "latin-1"},
            {"delimiter": "semicolon", "header": True, "column": 2, "encoding": "latin-1"},
            id="named column",
        ),
        pytest.param(
            b"sep=|\r\n" + TABLE.replace(";", "|").encode(),
            {"header": True, "column": "2"},
            {"delimiter": "pipe", "header": True, "column": 2},
            id="sep and header",
        ),
        pytest.param(
            b",user\n0,k-one\n1,jos\xc3\xa9\n2,12\n",
            {"header": True},
            {"header": True, "column": 2},
            id="index column of a data frame",
        ),
        pytest.param(
            b'{"n":1,"u":"k-one"}\n{"n":2,"u":"jos\\u00e9"}\n\n{"n":3,"u":12}',
            {"column": " U"},
            {"format": "jsonl", "delimiter": None, "column": 2},
            id="json objects",
        ),
        pytest.param(
            b'"k-one"\n"jos\\u00e9"\n12\n',
            {"format": "jsonl"},
            {"format": "jsonl", "delimiter": None},
            id="json texts",
        ),
        pytest.param(
            b"K-One\t1\n NULL\t\n\xc2\xa0JOS\xc3\x89\xe2\x80\x8b\t2\n12 \t3\n",
            {"trim": True, "lowercase": True, "null_text": "NULL", "format": "tsv"},
            {"delimiter": "tab"},
            id="rules",
        ),
        pytest.param(
            pandas_parquet(), {}, {"format": "parquet", "column": 2}, id="index of pandas"
        ),
        pytest.param(
            pandas_parquet_by_user(), {}, {"format": "parquet"}, id="pandas index of users"
        ),
        pytest.param(
            parquet(**NESTED), {"column": "User"}, {"format": "parquet", "column": 2}, id="nested"
        ),
        pytest.param(
            parquet(n=[1, 2, 3], user=[f" {key} " for key in KEYS]),
            {"column": "2", "trim": True},
            {"format": "parquet", "column": 2},
            id="parquet by number",
        ),
    ],
)
def test_import__list_of_any_form__its_keys_and_what_was_understood(
    imports: Imports, content: bytes, options: dict[str, Any], found: dict[str, Any]
) -> None:
    ref = imports.list_of()

    state = imports.run(ref, content, reading=ListOptions(**options))

    assert state.status == "complete", state.reason
    assert imports.members(ref) == KEYS
    assert state.detected is not None
    assert {name: getattr(state.detected, name) for name in found} == found
    shown = str(state.detected.first_rows)
    assert "xxx" in shown.lower()
    assert not any(key in shown for key in KEYS)


def deep_json() -> bytes:
    return b'{"a":1}\n' + b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}\n"


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        pytest.param(gzip.compress(b"a" * (2 << 20)), {}, "over 1 MiB", id="row"),
        pytest.param(deep_json(), {"column": "a"}, "nests over 32 levels", id="nesting"),
        pytest.param(gzip.compress(PLAIN.encode())[:-9], {}, "decompressed .gzip", id="cut short"),
        pytest.param(gzip.compress(gzip.compress(b"a\n")), {}, "is gzip-compressed", id="twice"),
        pytest.param(gzip.compress(parquet(a=["k"])), {}, "Parquet within", id="packed parquet"),
        pytest.param(parquet(a=["k"]), {"format": "csv"}, "csv was.* is Parquet", id="told csv"),
        pytest.param(
            PLAIN.encode(), {"compression": "zstd"}, "list is not compressed;", id="not zstd"
        ),
        pytest.param(PLAIN.encode(), {"column": "e-mail"}, "none of the 1 columns", id="name"),
        pytest.param(
            b'{"u":"k"}\n{"u":"m"}\n',
            {"column": "v"},
            "objects has a field v; their fields: u; send column",
            id="field",
        ),
        pytest.param(
            b'{"n":"%s","u":"k"}\n' % (b"x" * 70_000),
            {"format": "jsonl", "column": "2"},
            "first line is longer",
            id="long object",
        ),
        pytest.param(b"a," * 40_000, {"column": "a"}, "first row is longer", id="long header"),
        pytest.param(b"a,1\n", {"column": "3"}, "2 columns, not 3", id="number"),
        pytest.param(b"a,a\n1,2\n", {"column": "a"}, "2 columns of the header", id="two names"),
        pytest.param(parquet(a=["k"]), {"column": "b"}, "none of the 1 columns", id="parquet"),
        pytest.param(parquet(a=["k"]), {"delimiter": "tab"}, "the list is Parquet", id="misfit"),
        pytest.param(b"\xef\xbb\xbfa\n", {"encoding": "latin-1"}, "the mark of utf-8", id="mark"),
        pytest.param("a\n".encode("utf-32"), {}, "UTF-32", id="utf-32"),
    ],
)
def test_import__list_that_cannot_be_read_so__stopped_with_its_reason(
    imports: Imports, content: bytes, options: dict[str, Any], reason: str
) -> None:
    _assert_stopped(imports, content, options, reason)


@pytest.mark.parametrize(
    ("packer", "mib"),
    [
        pytest.param(gzip.compress, 140, id="gzip"),
        pytest.param(zstd, 140, id="zstd"),
        pytest.param(bz2.compress, 70, id="bzip2"),
    ],
)
def test_import__bomb__stopped_with_its_reason(
    imports: Imports, packer: Callable[[bytes], bytes], mib: int
) -> None:
    # Packed here, for every process of a run reads the parameters. Short rows take bzip2 half a
    # minute.
    rows = (b"k" * 1_023 + b"\n") * 1_024 * mib

    _assert_stopped(imports, packer(rows), {}, "more than any list")


def _assert_stopped(imports: Imports, content: bytes, options: dict[str, Any], reason: str) -> None:
    ref = imports.list_of("old")

    state = imports.run(ref, content, "replace", reading=ListOptions(**options))

    assert state.status == "stopped"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(state.reason)
    assert imports.members(ref) == {"old"}


def test_import__rows_below_a_header__are_numbered_as_in_the_file(imports: Imports) -> None:
    ref = imports.list_of()

    state = imports.run(ref, b"sep=;\nuser\na\n\nNULL\n", reading=ListOptions(header=True))

    report: Any = state.report
    assert report["rowsRead"] == 3
    assert report["rejectedSample"] == [{"row": 4, "reason": "blank"}]
    assert rows_of(state, "null_text") == [5]


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_import__cut_into_many_chunks__every_key_once(
    valkey_server: Server, s3_stand_in: ObjectServer, kind: str, encoding: Any
) -> None:
    keys = [f"caf\u00e9-{number}" for number in range(3_000)]
    line = '{{"n":1,"u":"{}"}}\n' if kind == "jsonl" else '1|"x\n|";"{}"\n'.replace('";"', '"|"')
    content = "".join(line.format(key) for key in keys).encode(encoding)
    options = ListOptions(
        column="u" if kind == "jsonl" else "3",
        delimiter="pipe" if kind == "csv" else None,
        encoding=encoding,
    )
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=4_096) as imports:
        ref = imports.list_of()
        state = imports.run(ref, content, reading=options)
        assert state.status == "complete", state.reason
        assert imports.members(ref) == set(keys)


def test_import__compressed_list_of_several_runs__every_key_once(
    valkey_server: Server, s3_stand_in: ObjectServer
) -> None:
    keys = np.random.default_rng(1).permutation(20_000).tolist()
    content = zstd("".join(f"key-{key}\n" for key in keys).encode())
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=16_384) as imports:
        ref = imports.list_of()
        state = imports.run(ref, content)
        assert state.status == "complete", state.reason
        assert imports.members(ref) == {f"key-{key}" for key in keys}
