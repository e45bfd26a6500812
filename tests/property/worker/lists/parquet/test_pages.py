"""Pages of text are read as the library reads them, up to where they are left to it."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.lists.byte_streams import ranges_of
from worker.lists.parquet.pages.chunks import read_chunks
from worker.lists.parquet.reader import list_chunks, read_cells

_EVEN = st.binary(min_size=5, max_size=5)
_UNEVEN = st.text(min_size=1, max_size=9).map(str.encode)
_RARE = st.sampled_from((None, b"", b"\0", b"x" * 256, b"y" * 1100))
_VALUES = st.one_of(
    st.lists(_EVEN, max_size=60),
    st.lists(_UNEVEN, max_size=60),
    st.lists(st.sampled_from((b"a", b"b", b"cc")), max_size=60),
    st.lists(_EVEN | _UNEVEN | _RARE, max_size=60),
)
_KINDS: tuple[Any, ...] = (pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary()))


def file_of(
    column: Any, *, nullable: bool = True, beside: bool = False, **options: Any
) -> io.BytesIO:
    """A file of this column, and perhaps of another one, whose pages lie between."""
    file = io.BytesIO()
    fields, columns = [pa.field("key", column.type, nullable=nullable)], [column]
    if beside:
        fields.append(pa.field("number", pa.int64()))
        columns.append(pa.array(range(len(column))))
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), file, **options)
    return file


def read_pages(file: io.BytesIO, batch_rows: int = 65_536) -> tuple[list[Any], int, int]:
    """The cells that are read without the library, and in how many row groups and rows."""
    last = pq.read_metadata(file).num_row_groups - 1
    chunks = list_chunks(file, len(file.getvalue()), 0, last)
    pages = read_chunks(chunks, ranges_of(file), batch_rows)
    cells: list[Any] = []
    while True:
        try:
            batch = next(pages)
        except StopIteration as end:
            return cells, *end.value
        assert 0 < len(batch) <= batch_rows
        cells += batch.to_pylist()


@given(
    values=_VALUES,
    times=st.sampled_from((1, 1, 7, 300)),
    kind=st.sampled_from(_KINDS),
    options=st.fixed_dictionaries(
        {
            "compression": st.sampled_from(("none", "snappy", "zstd", "gzip")),
            "use_dictionary": st.booleans(),
            "dictionary_pagesize_limit": st.sampled_from((16, 100, 1 << 20)),
            "data_page_size": st.sampled_from((50, 1000, 1 << 20)),
            "write_batch_size": st.sampled_from((3, 1024)),
            "row_group_size": st.sampled_from((20, 1 << 20)),
            "write_page_checksum": st.booleans(),
            "data_page_version": st.sampled_from(("1.0", "1.0", "2.0")),
            "write_statistics": st.booleans(),
        }
    ),
    required=st.booleans(),
    beside=st.booleans(),
    batch_rows=st.sampled_from((7, 65_536)),
)
@settings(max_examples=60, deadline=None)
def test_pages__any_file__the_cells_of_the_library(
    values: list[bytes | None],
    times: int,
    kind: Any,
    options: dict[str, Any],
    batch_rows: int,
    *,
    required: bool,
    beside: bool,
) -> None:
    column = pa.array(values * times, pa.binary()).cast(kind)
    file = file_of(column, nullable=not required or None in values, beside=beside, **options)
    cells, whole, rows = read_pages(file, batch_rows)
    last = pq.read_metadata(file).num_row_groups - 1
    for batch in read_cells(file, len(file.getvalue()), whole, last, batch_rows, skip=rows):
        cells += batch.to_pylist()
    expected = [(value or b"")[:1025] for value in values * times]
    assert cells == expected


_UUIDS = pa.array([f"{number:036}" for number in range(50_000)])
_NAMES = pa.array([f"name-{number}" for number in range(50_000)])


@pytest.mark.parametrize(
    ("column", "options"),
    [
        pytest.param(_UUIDS, {}, id="defaults"),
        pytest.param(_UUIDS, {"row_group_size": 9_000, "compression": "zstd"}, id="zstd, groups"),
        pytest.param(_NAMES, {"nullable": False, "use_dictionary": False}, id="lengths, required"),
        pytest.param(_NAMES.dictionary_encode(), {}, id="categories"),
        pytest.param(pa.array(["a"] * 50_000 + ["bc"]), {}, id="one run"),
    ],
)
def test_pages__usual_files__read_without_the_library(column: Any, options: dict[str, Any]) -> None:
    file = file_of(column, **options)
    cells, *whole = read_pages(file)
    assert whole == [pq.read_metadata(file).num_row_groups, 0]
    assert cells == [value.encode() for value in column.to_pylist()]


def test_pages__page_that_still_decodes_and_has_another_checksum__left_to_the_library() -> None:
    options: dict[str, Any] = {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": False,
    }
    column = pa.array(["first-key", "other-key"])
    for checksum, whole in ((True, 0), (False, 1)):
        file = file_of(column, write_page_checksum=checksum, **options)
        changed = io.BytesIO(file.getvalue().replace(b"other-key", b"otter-key"))
        assert read_pages(changed)[1:] == (whole, 0)
