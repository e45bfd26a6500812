"""What an export writes is read by an import as the same keys, and by other programs, too."""

import csv
import dataclasses
import hashlib
import io
import itertools
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lists.files import source
from worker.byte_columns import Column
from worker.context_keys import fault_of
from worker.exports.list_file import ListFile
from worker.lists.csv.chunks import CsvChunk, CsvState
from worker.lists.format import is_parquet
from worker.lists.keys.validation import validate
from worker.lists.parquet.reader import open_parquet, read_cells
from worker.lists.text.compression import decompress, detect_compression
from worker.lists.text.detection import detect_text
from worker.lists.text.reading import open_text
from worker.options.exports import ExportOptions
from worker.options.lists import ListOptions
from worker.store.keyspace import EXCLUDED, INCLUDED, Side

#: Every format, with and without a header, and each profile; of one list.
FORMS: Final = (
    ExportOptions(),
    ExportOptions(header=True),
    ExportOptions(compression="gzip"),
    ExportOptions(compression="zstd"),
    ExportOptions(profile="spreadsheet"),
    ExportOptions(profile="spreadsheet", header=True, compression="gzip"),
    ExportOptions(format="jsonl"),
    ExportOptions(format="jsonl", compression="gzip"),
    ExportOptions(format="jsonl", compression="zstd"),
    ExportOptions(format="parquet"),
)
#: What spreadsheets, CSV, JSON and those who look at a file's first bytes take for something else.
_AWKWARD: Final = (
    *("=1+1", "+49", "-1", "@SUM(A1)", "'", "''=x", "\uff1d1", '="00123"', "sep=;", "sep=,"),
    *('"', '""', "a,b", ",", "a;b", "a|b", "\\", "\\N", "NULL", "\ufeff", "\ufeffx", " a", "a "),
    *("{", '{"a":1}', '{"key":"x"}', "[1,2]", "<a>b</a>", "<html>", "%PDF-1.4", "#!/bin/sh", "--"),
    *(
        "PAR1",
        "BZh91AY&SY",
        "list.csv",
        "key",
        "key,side",
        "version https://git-lfs.github.com/spec/",
    ),
    *("-----BEGIN X-----", "a\u2028b", "é", "\U0001f600", "a\u200b", "1.0E+17", "0", "1", "null"),
)


def name(options: ExportOptions) -> str:
    """What tests are called."""
    words = (options.ending, options.profile, "header" if options.header else "bare")
    return "-".join(words)


_keys = st.sampled_from(_AWKWARD) | st.text(max_size=12).filter(lambda key: fault_of(key) is None)
_lists = st.lists(st.lists(_keys, max_size=8), max_size=3)


def write(options: ExportOptions, parts: list[tuple[Side, list[str]]]) -> bytes:
    sink = io.BytesIO()
    with ListFile(sink, options) as file:
        for side, keys in parts:
            file.write(pa.array([key.encode() for key in keys], pa.binary()), side)
    assert file.sha256 == hashlib.sha256(sink.getvalue()).hexdigest()
    assert file.rows == sum(len(keys) for _, keys in parts)
    return sink.getvalue()


def read(content: bytes, options: ListOptions) -> list[str]:
    """The keys that an import reads, all of them accepted."""
    if is_parquet(content[:5], content[-16:]):
        file, size = io.BytesIO(content), len(content)
        groups = len(open_parquet(file, size).row_groups)
        found = read_cells(file, size, 0, groups - 1) if groups else iter(())
        return list(itertools.chain(*map(_accepted, found)))
    packed = detect_compression(content)
    head = b"".join(decompress(iter((content,)), packed)) if content else b""
    form = detect_text(head, options, packed, whole=True).form
    chunk = CsvChunk(0, len(content), len(content))
    batches = open_text(form, options, chunk, CsvState.ROW, source(content)).batches()
    return list(itertools.chain(*(_texts(batch.keys) for batch in batches)))


def _accepted(cells: Column) -> list[str]:
    return _texts(validate(cells).keys)


def _texts(keys: Column) -> list[str]:
    return cast("list[str]", keys.cast(pa.string()).to_pylist())


def _reading(options: ExportOptions) -> ListOptions:
    return ListOptions(header=True if options.header else None, profile=options.profile)


@pytest.mark.parametrize("options", FORMS, ids=name)
@given(parts=_lists)
@settings(max_examples=40, deadline=None)
def test_list_file__any_keys_in_any_form__an_import_reads_the_same(
    options: ExportOptions, parts: list[list[str]]
) -> None:
    content = write(options, [(INCLUDED, keys) for keys in parts])

    assert read(content, _reading(options)) == [key for keys in parts for key in keys]


@given(keys=st.lists(_keys, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_list_file__spreadsheet__begins_with_a_mark_and_no_cell_is_a_formula(
    keys: list[str],
) -> None:
    options = ExportOptions(profile="spreadsheet", header=True)

    text = write(options, [(INCLUDED, keys)]).decode()

    assert text.startswith("\ufeffkey\n")
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]


@pytest.mark.parametrize("options", FORMS, ids=name)
def test_list_file__both_lists__duckdb_and_pandas_read_each_key_and_its_list(
    options: ExportOptions, tmp_path: Path
) -> None:
    header = options.format == "csv"
    options = dataclasses.replace(options, side="both", header=header)
    keys = {INCLUDED: ["alice", 'b"o,b', "-5"], EXCLUDED: ["carol", "\\N {x}"]}
    path = tmp_path / f"list.{options.ending}"
    path.write_bytes(write(options, list(keys.items())))

    rows = _duckdb_table(path, options).fetchall()

    guard = "'" if options.profile == "spreadsheet" else ""
    expected = [
        (guard + key if key == "-5" else key, side) for side, part in keys.items() for key in part
    ]
    assert rows == expected
    table = _pandas_table(path, options)
    assert [*table.itertuples(index=False, name=None)] == expected
    assert [*table.columns] == ["key", "side"]


def _duckdb_table(path: Path, options: ExportOptions) -> duckdb.DuckDBPyRelation:
    match options.format:
        case "csv":
            return duckdb.read_csv(str(path), header=True, all_varchar=True)
        case "jsonl":
            return duckdb.read_json(str(path))
        case "parquet":
            return duckdb.read_parquet(str(path))


def _pandas_table(path: Path, options: ExportOptions) -> Any:
    import pandas as pd  # noqa: PLC0415  # takes half a second, in every process of a run

    if options.format == "parquet":
        return pd.read_parquet(path)
    text = io.BytesIO(b"".join(decompress(iter((path.read_bytes(),)), options.compression)))
    if options.format == "jsonl":
        return pd.read_json(text, lines=True, dtype=False)
    return pd.read_csv(text, dtype=str, keep_default_na=False)
