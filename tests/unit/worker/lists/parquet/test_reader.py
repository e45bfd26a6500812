import decimal
import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.lists.files import Outcome, outcomes
from worker.lists.byte_streams import RandomAccess
from worker.lists.errors import UnreadableList, UnsupportedColumn
from worker.lists.keys.validation import KeyBatch, RejectReason, validate
from worker.lists.parquet import reader as parquet_reader
from worker.lists.parquet.reader import BATCH_ROWS, ParquetList
from worker.lists.parquet.writer import ParquetKeyWriter

BLANK = RejectReason.BLANK
DATA = Path(__file__).parents[4] / "data"
UUIDS = [uuid.UUID(int=1), uuid.UUID("0123456789abcdef0123456789abcdef")]


def parquet(column: Any, *, name: str = "key", **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    other = pa.array(range(len(column)))
    pq.write_table(pa.Table.from_arrays([column, other], names=[name, name]), file, **options)
    return file


def size_of(file: RandomAccess) -> int:
    return file.seek(0, io.SEEK_END)


def open_parquet(file: RandomAccess) -> ParquetList:
    return parquet_reader.open_parquet(file, size_of(file))


def read_row_groups(
    file: RandomAccess, first: int, last: int, batch_rows: int = BATCH_ROWS
) -> Iterator[KeyBatch]:
    """In this process: what ends it has tests of its own."""
    cells = parquet_reader.read_cells(file, size_of(file), first, last, batch_rows)
    return map(validate, cells)


def read_all(file: io.BytesIO, batch_rows: int = 65_536) -> list[Outcome]:
    last = len(open_parquet(file).row_groups) - 1
    batches = read_row_groups(file, 0, last, batch_rows)
    return [outcome for batch in batches for outcome in outcomes(batch)]


def text_columns() -> list[Any]:
    kinds: list[Any] = [pa.string(), pa.large_string(), pa.string_view()]
    kinds += [pa.binary(), pa.large_binary(), pa.binary_view()]
    values = ["a", None, "é", "", "a"]
    columns: list[Any] = [pa.array(values, pa.string()).cast(kind) for kind in kinds]
    return [*columns, columns[0].dictionary_encode(), columns[1].dictionary_encode()]


@pytest.mark.parametrize("column", text_columns(), ids=lambda column: str(column.type))
@pytest.mark.parametrize("arrow_schema", [True, False])
@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_parquet__text_types__the_text(column: Any, *, arrow_schema: bool, batch_rows: int) -> None:
    file = parquet(column, store_schema=arrow_schema, row_group_size=3)
    assert read_all(file, batch_rows) == [b"a", BLANK, "é".encode(), BLANK, b"a"]


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("signed", [True, False])
def test_parquet__integers__decimal_text(bits: int, *, signed: bool) -> None:
    kind: Any = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    extremes = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] if signed else [0, 2**bits - 1]
    file = parquet(pa.array([extremes[0], None, extremes[1]], kind))
    assert read_all(file) == [str(extremes[0]).encode(), BLANK, str(extremes[1]).encode()]


def test_parquet__whole_decimals__their_digits() -> None:
    values = [decimal.Decimal(10**37), None, decimal.Decimal(-2)]
    column = pa.array(values, pa.decimal128(38, 0))
    assert read_all(parquet(column)) == [b"1" + b"0" * 37, BLANK, b"-2"]


def test_parquet__column_of_nulls__blank_rows() -> None:
    assert read_all(parquet(pa.nulls(2))) == [BLANK, BLANK]


@pytest.mark.parametrize("arrow_schema", [True, False])
@pytest.mark.parametrize("batch_rows", [1, 100])
def test_parquet__uuid__canonical_text(*, arrow_schema: bool, batch_rows: int) -> None:
    column = pa.array([UUIDS[0].bytes, None, UUIDS[1].bytes], pa.uuid())
    file = parquet(column, store_schema=arrow_schema)
    assert read_all(file, batch_rows) == [str(UUIDS[0]).encode(), BLANK, str(UUIDS[1]).encode()]


def other_types() -> list[Any]:
    """Columns of types that keys cannot have, with what to do about each."""
    columns = (
        (pa.array([1.5]), "pandas"),
        (pa.array([1.5], pa.float16()), "pandas"),
        (pa.array([True]), "VARCHAR"),
        (pa.array([decimal.Decimal("1.50")]), "DECIMAL"),
        (pa.array([["a"]]), "each element"),
        (pa.array([{"a": "b"}]), "the field that holds"),
        (pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())), "the field that holds"),
        (pa.array([UUIDS[0].bytes], pa.binary(16)), "UUID or as text"),
        (pa.array([0], pa.timestamp("ms")), "VARCHAR"),
        (pa.array([0], pa.duration("s")), "VARCHAR"),
        (pa.array(['"a"'], pa.json_()), "->>"),
    )
    return [pytest.param(column, advice, id=str(column.type)) for column, advice in columns]


@pytest.mark.parametrize(("column", "advice"), other_types())
def test_parquet__other_type__unsupported_with_advice_and_the_schema(
    column: Any, advice: str
) -> None:
    file = parquet(column, name="the.id")
    message = rf"column 1 is .*another one \(the\.id\).*{advice}.*the\.id: .*, the\.id: int64"
    with pytest.raises(UnsupportedColumn, match=message) as caught:
        open_parquet(file)
    assert caught.value.schema == ", ".join(
        f"{field.name}: {field.type}" for field in pq.read_schema(file)
    )
    with pytest.raises(UnsupportedColumn):
        next(read_row_groups(file, 0, 0))


def test_parquet__integers_of_128_bits_in_any_column__refused_with_what_to_do() -> None:
    file = io.BytesIO((DATA / "integers-of-128-bits.parquet").read_bytes())
    with pytest.raises(UnreadableList, match="64 bits not implemented; write the column that is"):
        open_parquet(file)


def test_parquet__no_columns__unsupported() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({}), file)
    with pytest.raises(UnsupportedColumn, match="no columns"):
        open_parquet(file)


def test_parquet__bad_rows__rejected_with_their_numbers() -> None:
    column = pa.array([b"ok", b"\xff", b"x" * 1025, b"a\nb", b" ", b"fine"], pa.binary())
    assert read_all(parquet(column)) == [
        b"ok",
        RejectReason.INVALID_UTF8,
        RejectReason.TOO_LONG,
        RejectReason.CONTROL_CHARACTER,
        BLANK,
        b"fine",
    ]


def test_parquet__row_groups__counted_and_read_singly() -> None:
    file = parquet(pa.array([f"{n:03}" for n in range(250)]), row_group_size=100)
    groups = open_parquet(file).row_groups
    assert [group.rows for group in groups] == [100, 100, 50]
    assert all(group.column_bytes > 0 for group in groups)
    middle = [outcome for batch in read_row_groups(file, 1, 1) for outcome in outcomes(batch)]
    assert middle == [f"{n:03}".encode() for n in range(100, 200)]


def test_parquet__long_cells__small_batches() -> None:
    file = parquet(pa.array([f"{n}" * 100_000 for n in range(300)]), use_dictionary=False)
    sizes = [batch.row_count for batch in read_row_groups(file, 0, 0)]
    assert sum(sizes) == 300
    assert max(sizes) < 200


def test_parquet__number_before_text__told() -> None:
    numbers: Any = pa.array([0, 1])
    texts: Any = pa.array(["a", "b"])
    for columns, told in (([numbers, texts], True), ([texts, numbers], False)):
        file = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(columns, names=["x", "y"]), file)
        assert open_parquet(file).text_elsewhere is told


def test_parquet__only_the_first_column__is_read() -> None:
    class Counting(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.total += len(data)
            return data

    file = Counting()
    table = pa.table({"key": ["a"] * 1000, "wide": [f"{n}" * 1000 for n in range(1000)]})
    pq.write_table(table, file, compression="none", use_dictionary=False)
    file.total = 0
    assert sum(batch.row_count for batch in read_row_groups(file, 0, 0)) == 1000
    assert len(file.getvalue()) > 2_000_000
    assert file.total < 200_000


def whole() -> bytes:
    return parquet(pa.array([f"key {n}" for n in range(1000)])).getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"a,b\nc,d\n" * 10,
        whole()[:-1],
        whole()[:500],
        whole()[:-500] + b"\xff" * 400 + whole()[-100:],
        whole()[:4] + b"\x00" * 2000 + whole()[2004:],
    ],
    ids=["empty", "magic only", "csv", "cut", "cut early", "bad footer", "bad pages"],
)
def test_parquet__damaged__unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableList):
        read_all(io.BytesIO(content))


@pytest.mark.parametrize("in_dictionary", [True, False])
def test_parquet__page_that_still_decodes_and_has_another_checksum__unreadable(
    *, in_dictionary: bool
) -> None:
    file = parquet(
        pa.array(["first-key", "other-key"]),
        compression="none",
        use_dictionary=in_dictionary,
        write_statistics=False,
        write_page_checksum=True,
    )
    assert read_all(file) == [b"first-key", b"other-key"]
    changed = file.getvalue().replace(b"other-key", b"otter-key")
    assert changed != file.getvalue()

    with pytest.raises(UnreadableList, match="checksum"):
        read_all(io.BytesIO(changed))


def test_parquet__file_fails__its_own_error_passes() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError(104, f"gone after {size}")

    with pytest.raises(ConnectionResetError):
        open_parquet(Failing(whole()))


def test_parquet_writer__keys__read_back_in_bounded_row_groups() -> None:
    keys = [f"key-é-{n}".encode() for n in range(1000)]
    file = io.BytesIO()
    with ParquetKeyWriter(file, row_group_rows=300) as writer:
        for first in range(0, 1000, 170):
            writer.write(pa.array(keys[first : first + 170], pa.binary()))
    table = pq.read_table(file)
    assert table.schema == pa.schema([pa.field("key", pa.string(), nullable=False)])
    assert max(group.rows for group in open_parquet(file).row_groups) <= 300
    assert read_all(file) == keys


def test_parquet_writer__long_keys__row_groups_bounded_in_bytes() -> None:
    file = io.BytesIO()
    with ParquetKeyWriter(file, row_group_bytes=10_000) as writer:
        writer.write(pa.array([f"{n:01000}" for n in range(100)]))
    assert len(open_parquet(file).row_groups) >= 10


def test_parquet_writer__no_keys__still_a_list() -> None:
    file = io.BytesIO()
    with ParquetKeyWriter(file):
        pass
    assert read_all(file) == []


def test_parquet_writer__left_by_an_exception__no_footer_ever() -> None:
    file = io.BytesIO()

    def fail_half_way() -> None:
        with ParquetKeyWriter(file, row_group_rows=10) as writer:
            writer.write(pa.array([f"{n}" for n in range(100)]))
            raise RuntimeError("the shards are gone")

    with pytest.raises(RuntimeError, match="gone"):
        fail_half_way()
    assert file.getvalue()
    with pytest.raises(UnreadableList):
        open_parquet(file)
