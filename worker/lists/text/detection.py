"""Finds how a list of text is laid out, from its first bytes and from what its importer says.

What nobody says and nothing shows is as in LaunchDarkly: commas, no header, the first column. Two
things show without being said: a first line ``sep=;``, and a tab in the first cell of every row,
where no key could be. A semicolon or ``|`` does not: keys may hold them, so such rows are read
whole, and the report of the import warns of them.
"""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from worker.foreign_files import (
    PARQUET_IN_OTHER,
    SNIFF_BYTES,
    name_foreign_file,
    name_foreign_text,
)
from worker.lists.column_names import find_named
from worker.lists.errors import ColumnNotFound, ContradictedOption, UnsupportedFormat
from worker.lists.format import ListFormat, is_parquet
from worker.lists.json_lines import decode_line
from worker.lists.keys.doubts import MOST_SHARE
from worker.lists.text.encoding import detect_encoding, stream_to_utf8
from worker.lists.text.form import DELIMITERS, TableDelimiter, TextForm
from worker.lists.text.json_fields import choose_field, describe_missing, leading_objects
from worker.options.lists import Compression, Delimiter, ListOptions

#: Bytes of text that are looked at: a header, and enough rows to see what they have in common.
HEAD_BYTES: Final = 64 * 1024
#: Rows that are compared.
_ROWS: Final = 50
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?(?:\n|\Z)", re.IGNORECASE | re.DOTALL)
#: Lines that have to be objects before a file is JSON Lines: one alone may be an error message.
_LEAST_OBJECTS: Final = 2
#: The only field of the objects that bigseg writes itself, maybe a single one.
OWN_FIELD: Final = "key"
#: Rows that have to count up before a column is taken for an index.
_LEAST_NUMBERS: Final = 2
_PREFERRED: Final[tuple[TableDelimiter, ...]] = ("comma", "tab", "semicolon", "pipe")

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Detected:
    """What a list of text is, and its first rows."""

    format: ListFormat
    form: TextForm
    rows: Rows
    """Cells of the first rows, a header included; of JSON Lines the key of each line alone."""
    missing: str | None = None
    """Of JSON Lines: that none of its first objects has the field that is asked for. It may still
    be right: many writers leave out fields that are null."""


def detect_text(
    head: bytes, options: ListOptions, compression: Compression, *, whole: bool
) -> Detected:
    """Find how a list of text is laid out.

    Args:
        head: Its first bytes, decompressed: ``HEAD_BYTES`` or more, or all there are.
        options: What its importer says.
        compression: How the file is compressed.
        whole: Whether there are no more.

    Raises:
        UnsupportedFormat: It is known to be no list; the message names what it is.
        ColumnNotFound: The column that is asked for is not there, or one has to be.
        ContradictedOption: It is not what its importer says.
    """
    if (foreign := name_foreign_file(head)) is not None:
        raise UnsupportedFormat(foreign)
    if is_parquet(head, None):
        # It was looked for before, but not within compression, nor where it is told to be text.
        if compression == "none":
            raise ContradictedOption(f"format={options.format}", "is Parquet")
        raise UnsupportedFormat(PARQUET_IN_OTHER)
    encoding = detect_encoding(head, options.encoding)
    utf8 = b"".join(stream_to_utf8(iter((head,)), encoding)).removeprefix(codecs.BOM_UTF8)
    form = TextForm(compression=compression, encoding=encoding)
    format_ = _detect_format(utf8, options, whole=whole)
    if misfit := options.find_misfit(format_.value):
        raise ContradictedOption(misfit.partition(":")[0], f"is of format {format_.value}")
    if format_ is ListFormat.JSON_LINES:
        return _detect_field(utf8, options, form, whole=whole)
    return _detect_columns(utf8.decode(errors="replace"), options, form, whole=whole)


def _detect_format(utf8: bytes, options: ListOptions, *, whole: bool) -> ListFormat:
    if options.format is not None:
        return ListFormat.JSON_LINES if options.format == "jsonl" else ListFormat.CSV
    lines = _lines(utf8, whole=whole)
    objects = leading_objects(lines) if utf8.lstrip().startswith(b"{") else []
    foreign = name_foreign_text(utf8[:SNIFF_BYTES])
    wanted = options.column_name
    names = list(next(filter(None, objects), {}))
    alone = names == [OWN_FIELD] or (wanted is not None and bool(find_named(names, wanted)))
    if len(objects) >= _LEAST_OBJECTS or alone:
        return ListFormat.JSON_LINES
    if foreign is not None:
        raise UnsupportedFormat(foreign)
    return ListFormat.CSV


def _lines(utf8: bytes, *, whole: bool, most: int | None = _ROWS) -> list[bytes]:
    """The first lines that are whole and not blank."""
    lines = utf8.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [line for line in (lines if whole else lines[:-1]) if line.strip()][:most]


def _detect_field(utf8: bytes, options: ListOptions, form: TextForm, *, whole: bool) -> Detected:
    """Find the field that holds the keys, by the first object."""
    objects: list[dict[str, object]] = []
    rows: list[Sequence[str]] = []
    lines = _lines(utf8, whole=whole, most=_ROWS if options.column_name is None else None)
    for line in lines:
        try:
            value = decode_line(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value:
            objects.append(value)
        rows.append([value] if isinstance(value, str) else [])
    if not lines and not whole and options.column_name is None:
        raise ColumnNotFound(
            f"the first line is longer than {HEAD_BYTES:,} bytes, so its fields are not known"
        )
    column, field, missing = 0, options.column_name, None
    if objects:
        missing = None if field is None else describe_missing(objects, field)
        column, field = choose_field(objects, options)
        keys = [obj.get(field) for obj in objects]
        rows = [[key] if isinstance(key, str) else [] for key in keys]
    return Detected(
        ListFormat.JSON_LINES,
        replace(form, delimiter=None, column=column, field=field),
        rows[:_ROWS],
        missing,
    )


def _named_separator(text: str) -> tuple[TableDelimiter | None, int]:
    """The delimiter that a first line ``sep=;`` names, and where the next line starts."""
    line = _SEPARATOR_LINE.match(text)
    if line is not None:
        for name in _PREFERRED:
            if DELIMITERS[name] == line[1]:
                return name, line.end()
    return None, 0


def _detect_columns(text: str, options: ListOptions, form: TextForm, *, whole: bool) -> Detected:
    named, end = _named_separator(text)
    told: Delimiter | None = "tab" if options.format == "tsv" else options.delimiter
    skipped = 0
    if named is not None and told in {None, "auto", named}:
        text, skipped, told = text[end:], 1, named
    delimiter = _choose_delimiter(text, told, options, whole=whole)
    rows = _first_rows(text, delimiter, whole=whole)
    header = options.header or (options.header is None and options.column_name is not None)
    if options.column_name is not None and not rows and not whole:
        raise ColumnNotFound(f"the first row is longer than {HEAD_BYTES:,} bytes, so has no names")
    column = _choose_column(rows, options, header=header)
    return Detected(
        ListFormat.CSV,
        replace(
            form,
            delimiter=delimiter,
            skipped=skipped + header,
            header=header,
            column=column,
            suspects=() if told in _PREFERRED else _suspect(rows[header:], delimiter, column),
            is_numbered=options.column is None
            and column == 0
            and _is_numbered(rows, header=header),
        ),
        rows,
    )


def _suspect(rows: Rows, delimiter: TableDelimiter, column: int) -> tuple[TableDelimiter, ...]:
    """Other delimiters that most of these rows' keys hold."""
    keys = [row[column] for row in rows if len(row) > column and row[column]]
    return tuple(
        name
        for name in _PREFERRED[1:]
        if name != delimiter
        and keys
        and sum(DELIMITERS[name] in key for key in keys) >= MOST_SHARE * len(keys)
    )


def _is_numbered(rows: Rows, *, header: bool) -> bool:
    """Whether the first column is an index: 0, 1, 2, or from 1 on below a header without a name."""
    filled = [row for row in rows if row]
    if max(map(len, filled), default=0) < 2:  # noqa: PLR2004 - another column
        return False
    first = filled[0][0]
    numbers = [row[0] for row in filled[header or not first.isdigit() :]]
    start = 1 if numbers and numbers[0] == "1" and not first else 0
    counted = [str(number) for number in range(start, start + len(numbers))]
    return len(numbers) >= _LEAST_NUMBERS and numbers == counted


def _first_rows(
    text: str, delimiter: TableDelimiter, *, whole: bool, strict: bool = False
) -> list[list[str]]:
    """The first rows that are whole, blank ones too; strictly, ``csv.Error`` is raised."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=DELIMITERS[delimiter], strict=strict)
    rows: list[list[str]] = []
    for row in reader:
        rows.append(row)
        if len(rows) > _ROWS:
            return rows[:_ROWS]
    return rows if whole else rows[:-1]


def _choose_delimiter(
    text: str, told: str | None, options: ListOptions, *, whole: bool
) -> TableDelimiter:
    for name in _PREFERRED:
        if told == name:
            return name
    if told is not None or options.header is not None or options.column is not None:
        return _most_regular(text, whole=whole)
    by_commas = [row for row in _first_rows(text, "comma", whole=whole) if row]
    return "tab" if by_commas and all("\t" in row[0] for row in by_commas) else "comma"


def _most_regular(text: str, *, whole: bool) -> TableDelimiter:
    """The delimiter that gives each row as many cells, over one; or the one that cuts every row.

    One that leaves text behind a closing quote is none.
    """
    cutting: list[TableDelimiter] = []
    for name in _PREFERRED:
        try:
            rows = _first_rows(text, name, whole=whole, strict=True)
        except csv.Error:
            continue
        widths = {len(row) for row in rows if row}
        if widths and min(widths) > 1:
            if len(widths) == 1:
                return name
            cutting.append(name)
    return cutting[0] if cutting else "comma"


def _choose_column(rows: Rows, options: ListOptions, *, header: bool) -> int:
    number, name = options.column_number, options.column_name
    if number is not None:
        widest = max(map(len, rows), default=0)
        if rows and number >= max(1, widest):
            raise ColumnNotFound(f"the rows have {widest} columns, not {number + 1}")
        return number
    if name is None:
        return 1 if header and _begins_with_index(rows) else 0
    cells = list(rows[0]) if rows else []
    found = find_named(cells, name)
    if len(found) > 1:
        raise ColumnNotFound(f"{len(found)} columns of the header are named {name}")
    if not found:
        raise ColumnNotFound(f"none of the {len(cells)} columns of the header is named {name}")
    return found[0]


def _begins_with_index(rows: Rows) -> bool:
    """Whether the first column is the row numbers of a data frame: no name, then 0, 1, 2."""
    if len(rows) < 2 or len(rows[0]) < 2 or rows[0][0]:  # noqa: PLR2004 - a header and a row
        return False
    return all(row and row[0] == str(number) for number, row in enumerate(rows[1:]))
