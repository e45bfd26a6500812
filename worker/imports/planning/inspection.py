"""Looks at a list file before it is planned: what it is, and how it will be read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from worker.byte_columns import Column
from worker.imports.errors import ImportStopped
from worker.imports.stage_results import Source
from worker.jobs.services import Services
from worker.lists.errors import ContradictedOption
from worker.lists.format import PARQUET, TAIL_BYTES, ListFormat, is_parquet
from worker.lists.parquet.reader import ParquetList
from worker.lists.text.compression import choose_compression, decompress
from worker.lists.text.detection import HEAD_BYTES, detect_text
from worker.objects import FOLDER_FAULT, ObjectInfo, ObjectNotFound, is_folder_marker
from worker.options.lists import ListOptions
from worker.store.jobs import DetectedList, SourceFile

#: Bytes of a compressed file that are read for its first text: over a block of any compressor.
_PACKED_HEAD_BYTES: Final = 1024 * 1024
#: Bytes of it that are decompressed at a time.
_SMALL_BYTES: Final = 16 * 1024
#: How much better than its first bytes the rest of a file may be compressed.
_EXPANSION_MARGIN: Final = 2
#: What is shown of the first rows.
_SHOWN_ROWS: Final = 3
_SHOWN_CELLS: Final = 8
_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A list file, what it was found to be, and what importers see of that."""

    source: Source
    detected: DetectedList
    parquet: ParquetList | None = None
    """Of a Parquet file: its footer."""
    expansion: int = 1
    """How often its own size a compressed file holds, estimated by its first bytes and rounded up
    far: too large only costs more ranges."""
    missing: str | None = None
    """As of :class:`~worker.lists.text.detection.Detected`."""


def inspect_object(
    services: Services, info: ObjectInfo, options: ListOptions, *, on_wait: Callable[[], None]
) -> InspectedFile:
    """Find out what a file is. Reads only its head, and a Parquet file's footer.

    Args:
        services: Give access to the file.
        info: Which one, as it was when it was found.
        options: What the importer says about it.
        on_wait: Called while a Parquet file's footer is read; may raise.

    Raises:
        ListError: It cannot be imported, or not as the importer says.
    """
    head = _read(services, info, 0, HEAD_BYTES)
    if options.format == "parquet" or (
        options.format is None and _is_parquet(services, info, head)
    ):
        return _inspect_parquet(services, info, options, on_wait)
    return _inspect_text(services, info, options, head)


def with_first_keys(detected: DetectedList, keys: Column) -> DetectedList:
    """Add the first keys of a Parquet file, whose rows are not read when it is planned."""
    first: list[Any] = keys[:_SHOWN_ROWS].to_pylist()
    return replace(detected, first_rows=_mask([key.decode()] for key in first))


def find_object(services: Services, file: SourceFile) -> ObjectInfo:
    """Find a file that was named.

    Raises:
        ImportStopped: It is not there, has changed since it was uploaded, or is a folder.
    """
    try:
        info = services.objects.head(file.key, bucket=file.bucket)
    except ObjectNotFound as exc:
        address = f"s3://{file.bucket}/{file.key}"
        # One with an ETag was there before.
        message = f"there is no object {address}: put it there, or correct the address"
        if file.etag is not None:
            message = f"the source is gone: {address}"
        raise ImportStopped(message) from exc
    if file.etag is not None and file.etag != info.etag:
        message = f"list changed: s3://{file.bucket}/{file.key} is not what was uploaded"
        raise ImportStopped(message)
    if is_folder_marker(info):
        raise ImportStopped(f"s3://{file.bucket}/{file.key} {FOLDER_FAULT}")
    return info


def _read(services: Services, info: ObjectInfo, start: int, end: int) -> bytes:
    return b"".join(services.objects.read_range(info, start, min(end, info.size_bytes)))


def _is_parquet(services: Services, info: ObjectInfo, head: bytes) -> bool:
    """Read the tail, too, if the head is ambiguous: reads are expensive."""
    if not head.startswith(PARQUET):
        return False
    size = info.size_bytes
    return is_parquet(head, _read(services, info, max(0, size - TAIL_BYTES), size))


def _inspect_parquet(
    services: Services, info: ObjectInfo, options: ListOptions, on_wait: Callable[[], None]
) -> InspectedFile:
    if misfit := options.find_misfit("parquet"):
        raise ContradictedOption(misfit.partition(":")[0], "is Parquet")
    with services.objects.open_random_access(info) as file:
        found = services.parquet.open_parquet(
            file,
            info.size_bytes,
            number=options.column_number,
            name=options.column_name,
            on_wait=on_wait,
        )
    source = _source(info, ListFormat.PARQUET)
    detected = DetectedList("parquet", "none", None, None, header=False, column=found.column + 1)
    return InspectedFile(replace(source, column=found.column), detected, found)


def _inspect_text(
    services: Services, info: ObjectInfo, options: ListOptions, head: bytes
) -> InspectedFile:
    compression = choose_compression(head, options.compression)
    whole, expansion = info.size_bytes <= len(head), 1
    if compression != "none":
        packed = _SmallPieces(
            services.objects.read_range(info, 0, min(_PACKED_HEAD_BYTES, info.size_bytes))
        )
        with closing(decompress(iter(packed), compression)) as pieces:
            head, produced, ended = _take(pieces)
            whole = ended and info.size_bytes <= _PACKED_HEAD_BYTES
        expansion = 1 + _EXPANSION_MARGIN * produced // max(1, packed.taken)
    found = detect_text(head, options, compression, whole=whole)
    form = found.form
    detected = DetectedList(
        "jsonl" if found.format is ListFormat.JSON_LINES else "csv",
        form.compression,
        form.encoding,
        form.delimiter,
        header=form.header,
        column=form.column + 1,
        first_rows=_mask(found.rows),
    )
    source = replace(_source(info, found.format), text=form)
    return InspectedFile(source, detected, expansion=expansion, missing=found.missing)


def _take(pieces: Iterator[bytes]) -> tuple[bytes, int, bool]:
    """The first bytes, how many there were with them, and whether there are no more."""
    taken = bytearray()
    for piece in pieces:
        taken += piece
        if len(taken) > HEAD_BYTES:
            return bytes(taken[:HEAD_BYTES]), len(taken), False
    return bytes(taken), len(taken), True


@dataclass(slots=True)
class _SmallPieces:
    """Pieces cut so small that it is known how many bytes were needed."""

    pieces: Iterator[bytes]
    taken: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            for start in range(0, len(piece), _SMALL_BYTES):
                part = piece[start : start + _SMALL_BYTES]
                self.taken += len(part)
                yield part


def _source(info: ObjectInfo, format_: ListFormat) -> Source:
    return Source(info.bucket, info.key, info.size_bytes, info.etag, format_)


def _mask(rows: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Show the shape of the first cells and nothing of their content."""
    return tuple(
        tuple(_mask_cell(cell) for cell in islice(row, _SHOWN_CELLS))
        for row in islice(rows, _SHOWN_ROWS)
    )


def _mask_cell(cell: str) -> str:
    shown = cell[:_SHOWN_CHARACTERS]
    masked = "".join(_mask_character(char) for char in shown)
    return masked + "…" if len(cell) > len(shown) else masked


def _mask_character(char: str) -> str:
    if char.isdigit():
        return "9"
    if char.isalpha():
        return "X" if char.isupper() else "x"
    return char if char.isascii() and char.isprintable() else "?"
