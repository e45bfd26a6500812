"""Text in any form is read as Python's csv module reads the decoded text."""

import bz2
import codecs
import csv
import gzip
import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.lists.files import Outcome, outcomes, reference_outcome, source
from worker.lists.byte_streams import ReadRange
from worker.lists.csv.chunks import CsvChunk, CsvState
from worker.lists.errors import ColumnNotFound
from worker.lists.keys.validation import KeyBatch, RejectReason
from worker.lists.rejected_rows import RejectedRows, read_part
from worker.lists.text.compression import decompress, detect_compression
from worker.lists.text.detection import detect_text
from worker.lists.text.form import DELIMITERS, TextForm
from worker.lists.text.reading import open_text
from worker.options.lists import ListOptions

_COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": lambda content: bytes(pa.compress(content, codec="zstd", asbytes=True)),
}
#: What is said, how the text is encoded, and the mark before it.
_ENCODINGS: Final = (
    (None, "utf-8", b""),
    (None, "utf-8", codecs.BOM_UTF8),
    (None, "utf-16-le", codecs.BOM_UTF16_LE),
    (None, "utf-16-be", codecs.BOM_UTF16_BE),
    ("utf-16le", "utf-16-le", b""),
    ("utf-16be", "utf-16-be", b""),
    ("windows-1252", "cp1252", b""),
    ("latin-1", "latin-1", b""),
)
_TOKENS: Final = ('"', '"', '""', "\n", "\r", "\r\n", ",", ";", "|", "\t", "a", "bc", " ", "é")
_texts = st.lists(st.sampled_from(_TOKENS), max_size=40).map("".join)
_cells = st.sampled_from(("", "a", "1234", '"q"', '"a,b"', '"x\ny"', '"d""d"', '"\r\n"', "é;|"))


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str]:
    """A text, wild or with quotes where they should be, and its delimiter."""
    name = draw(st.sampled_from(tuple(DELIMITERS)))
    if draw(st.booleans()):
        return draw(_texts), name
    rows = draw(st.lists(st.lists(_cells, max_size=4), max_size=12))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    text = end.join(DELIMITERS[name].join(row) for row in rows)
    return text + end * draw(st.booleans()), name


def expected(text: str, delimiter: str, column: int, skipped: int) -> list[Outcome]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    cells = [row[column].encode() if len(row) > column else b"" for row in rows]
    return [reference_outcome(cell) for cell in cells[skipped:]]


#: A line of the file of rejected rows: row, offset, reason, cell.
Line = list[str]


def expected_lines(text: str, delimiter: str, column: int, skipped: int, codec: str) -> list[Line]:
    """The rejected rows by Python's csv module; offsets without a mark before the text."""
    lines = io.StringIO(text, newline="").readlines()
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode(codec)))
    rows = csv.reader(lines, delimiter=delimiter)
    found, first_line = [], 0
    for number, row in enumerate(rows, 1):
        cell = row[column] if len(row) > column else ""
        reason = reference_outcome(cell.encode())
        if number > skipped and isinstance(reason, RejectReason):
            found.append([str(number), str(starts[first_line]), reason.label, cell])
        first_line = rows.line_num
    return found


def read_lines(chunk: list[KeyBatch], rows_before: int) -> list[Line]:
    """What the file of rejected rows says of a chunk, after the name of the file."""
    part, rows = io.BytesIO(), 0
    for batch in chunk:
        if (rejected := RejectedRows.of(batch, rows)) is not None:
            rejected.write_to(part)
        rows += batch.row_count
    pieces = (part.getvalue()[at : at + 100] for at in range(0, len(part.getvalue()), 100))
    text = b"".join(each.csv_lines("a, b", rows_before) for each in read_part(pieces)).decode()
    lines = [*csv.reader(io.StringIO(text, newline=""))]
    assert all(line[0] == "a, b" for line in lines)
    return [line[1:] for line in lines]


def read_by(
    form: TextForm,
    options: ListOptions,
    content: bytes,
    cuts: list[int],
    rejected: list[Line] | None = None,
) -> list[Outcome]:
    """Read a file in one go, or, if it can be split, chunk by chunk as an import does."""
    read: ReadRange = source(content, piece_bytes=3)
    found: list[Outcome] = []
    state, rows = CsvState.ROW, 0
    bounds = [0, *sorted(cuts), len(content)] if form.is_splittable else [0, len(content)]
    for start, end in pairwise(bounds):
        started = CsvState.ROW if start == 0 else state
        chunk = CsvChunk(start, end, len(content))
        reader = open_text(form, options, chunk, started, read)
        batches = [*reader.batches()]
        found += [outcome for batch in batches for outcome in outcomes(batch)]
        rows += reader.skipped
        if rejected is not None:
            rejected += read_lines(batches, rows)
        rows += sum(batch.row_count for batch in batches)
        state = reader.end_state
    return found


@given(
    table=tables(),
    encoding=st.sampled_from(_ENCODINGS),
    compression=st.sampled_from(tuple(_COMPRESS)),
    column=st.sampled_from((0, 0, 1, 2)),
    data=st.data(),
)
@settings(max_examples=120, deadline=None)
def test_text__messy_in_any_form__rows_of_csv_reader(
    table: tuple[str, str],
    encoding: tuple[Any, str, bytes],
    compression: str,
    column: int,
    data: st.DataObject,
) -> None:
    text, delimiter = table
    told, codec, mark = encoding
    header = data.draw(st.booleans())
    encoded = mark + text.encode(codec)
    cut = data.draw(st.integers(0, len(encoded)))
    pack = _COMPRESS[compression]
    content = pack(encoded) if compression == "none" else pack(encoded[:cut]) + pack(encoded[cut:])
    options = ListOptions(
        format="csv",
        delimiter=delimiter,  # type: ignore[arg-type]  # one of their names
        header=header,
        column=str(column + 1),
        encoding=told,
    )
    packed = detect_compression(content)
    assert packed == compression
    try:
        found = detect_text(
            b"".join(decompress(iter((content,)), packed)), options, packed, whole=True
        )
    except ColumnNotFound:
        assume(False)  # noqa: FBT003 - the rows have no such column

    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=4))
    lines: list[Line] = []
    rows = read_by(found.form, options, content, cuts, lines)

    table_of = (text, DELIMITERS[delimiter], column, int(header))
    assert rows == expected(*table_of)
    for line in lines:
        line[1] = str(int(line[1]) - len(mark))
    assert lines == expected_lines(*table_of, codec)


_NAMES = st.text(alphabet="abé ,;|\t\"'", min_size=1, max_size=6).filter(str.strip)


@given(
    delimiter=st.sampled_from(tuple(DELIMITERS)),
    names=st.lists(_NAMES, min_size=2, max_size=4, unique_by=lambda name: name.strip().casefold()),
    rows=st.lists(st.lists(_NAMES, min_size=4, max_size=4), min_size=1, max_size=8),
    data=st.data(),
)
@settings(max_examples=120, deadline=None)
def test_text__table_with_a_header__column_found_by_its_name(
    delimiter: str, names: list[str], rows: list[list[str]], data: st.DataObject
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=DELIMITERS[delimiter], quoting=csv.QUOTE_ALL)
    writer.writerows([names, *(row[: len(names)] for row in rows)])
    wanted = data.draw(st.integers(0, len(names) - 1))
    options = ListOptions(column=names[wanted], delimiter="auto")
    content = file.getvalue().encode()
    assume(options.column_name is not None)

    found = detect_text(content, options, "none", whole=True)

    assert found.form.delimiter == delimiter
    assert found.form.column == wanted
    cells = read_by(found.form, options, content, [])
    assert cells == [reference_outcome(row[wanted].encode()) for row in rows]
