"""Reads lists of text, in any of their forms, as batches of keys."""

from collections.abc import Iterator
from functools import partial

from worker.lists.byte_streams import ReadRange, StreamReader
from worker.lists.csv.chunks import WHOLE_STREAM, CsvChunk, CsvChunkReader, CsvState, RowSyntax
from worker.lists.csv.rows import Columns, read_rows
from worker.lists.json_lines import read_json_rows
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.rules import KeyRules
from worker.lists.text.compression import decompress
from worker.lists.text.encoding import cells_to_utf8, source_widths, stream_to_utf8
from worker.lists.text.form import DELIMITERS, TextForm
from worker.options.lists import ListOptions


def open_text(
    form: TextForm, options: ListOptions, chunk: CsvChunk, state: CsvState, read: ReadRange
) -> CsvChunkReader:
    """A reader of the keys of one chunk, or of all of a list that cannot be split.

    Args:
        form: How the list is laid out.
        options: What its importer says; the form follows from it.
        chunk: What is read; of a list that cannot be split, all of it.
        state: What the parser is in the middle of at the chunk's first line.
        read: Gives ranges of the file.
    """
    if form.is_splittable:
        return CsvChunkReader(chunk, state, read, row_syntax(form, options))
    stream = StreamReader(_read_whole(form, chunk.size, read))
    return CsvChunkReader(WHOLE_STREAM, state, stream, row_syntax(form, options))


def row_syntax(form: TextForm, options: ListOptions) -> RowSyntax:
    """How rows of this form are read, and their cells become keys."""
    rules = KeyRules.of(options)
    # A stream is converted before it is cut.
    widths = None if form.is_splittable else source_widths(form.encoding)
    if form.delimiter is None:
        return RowSyntax(
            partial(read_json_rows, field=form.field),
            is_table=False,
            rules=rules,
            source_widths=widths,
        )
    columns = Columns(DELIMITERS[form.delimiter].encode(), form.column)
    return RowSyntax(
        partial(read_rows, columns=columns),
        to_utf8=cells_to_utf8(form.encoding) if form.is_splittable else None,
        rules=rules,
        skipped=form.skipped,
        delimiters=tuple(map(Doubt.of, form.suspects)),
        source_widths=widths,
    )


def _read_whole(form: TextForm, size: int, read: ReadRange) -> Iterator[bytes]:
    packed = read(0, size) if size else iter(())
    return stream_to_utf8(decompress(packed, form.compression), form.encoding)
