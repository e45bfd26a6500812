"""The files of imports and their figures, apart from the records that callers poll.

There may be 10,000, so they are kept in blocks of compressed JSON: about 100 bytes a file.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeVar

from worker.batches import batches
from worker.store.errors import UnreadableRecord
from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import JobRef
from worker.store.records import RecordCodec, stored
from worker.store.server import Database, driver_errors

Value = TypeVar("Value")

#: Files of one block.
_BLOCK: Final = 256
_BLOCKS_PER_CALL: Final = 16


@stored
@dataclass(frozen=True, slots=True)
class ImportFile:
    """One list file, as it was when the import was planned."""

    bucket: str
    key: str
    name: str
    """What callers know it by."""
    size_bytes: int
    etag: str


@stored
@dataclass(frozen=True, slots=True)
class FileFigures:
    """What one list file held."""

    rows: int
    valid: int
    """Rows with a usable key; the others were rejected."""
    form: str = ""
    """What it was read as, in a few words."""
    skipped: int = 0
    """Rows in front that are none: a header, a line that names the separator."""


_FILES: Final = RecordCodec(tuple[ImportFile, ...])
_FIGURES: Final = RecordCodec(tuple[FileFigures, ...])


class ImportFiles:
    """Reads and writes the files of imports.

    Every method may raise ``StoreUnavailable`` and is safe to retry. Figures that are written twice
    are the same, because files are pinned by their ETags.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def write_files(self, ref: JobRef, attempt: str, files: Sequence[ImportFile]) -> None:
        """Write all files of an import, as one try at its plan has found them.

        Another try may find others, so each writes its own, and the plan that counts names one.
        """
        self._write_blocks(ref, f"files:{attempt}", files, _FILES)

    def write_figures(self, ref: JobRef, figures: Sequence[FileFigures]) -> None:
        """Write the figures of all files of an import, in their order."""
        self._write_blocks(ref, "figures", figures, _FIGURES)

    def write_chunk(self, ref: JobRef, chunk: int, figures: Sequence[FileFigures]) -> None:
        """Write the figures of the files that one chunk has read."""
        self._write(ref, {f"chunk:{chunk}": _pack(_FIGURES, tuple(figures))})

    def read_files(self, ref: JobRef, attempt: str, first: int, stop: int) -> list[ImportFile]:
        """Read some files by their numbers; fewer if there are not as many.

        Raises:
            UnreadableRecord: they are damaged.
        """
        return self._read_blocks(ref, f"files:{attempt}", first, stop, _FILES)

    def read_page(
        self, ref: JobRef, attempt: str, first: int, stop: int
    ) -> list[tuple[ImportFile, FileFigures | None]]:
        """Read some files with their figures, which are there once all files have been read.

        Cost: two round trips for each 4,096 files.
        """
        files = self.read_files(ref, attempt, first, stop)
        figures = self._read_blocks(ref, "figures", first, first + len(files), _FIGURES)
        return [*zip_longest(files, figures)]

    def read_chunks(
        self, ref: JobRef, chunks: Sequence[int]
    ) -> Mapping[int, tuple[FileFigures, ...]]:
        """Read what some chunks have written; those that have not are left out."""
        names = [f"chunk:{chunk}" for chunk in chunks]
        found = self._read(ref, names, _FIGURES)
        return {chunk: figures for chunk, figures in zip(chunks, found, strict=True) if figures}

    def _write_blocks(
        self, ref: JobRef, kind: str, items: Sequence[Value], codec: RecordCodec[tuple[Value, ...]]
    ) -> None:
        blocks = {
            f"{kind}:{number}": _pack(codec, block)
            for number, block in enumerate(batches(items, _BLOCK))
        }
        for group in batches(blocks.items(), _BLOCKS_PER_CALL):
            self._write(ref, dict(group))

    def _write(self, ref: JobRef, fields: Mapping[str, bytes]) -> None:
        key = self._key(ref)
        with driver_errors(f"write files of {ref}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hset(key, mapping=dict(fields))
            pipeline.expire(key, ABANDONED_S)
            pipeline.execute()

    def _read_blocks(
        self,
        ref: JobRef,
        kind: str,
        first: int,
        stop: int,
        codec: RecordCodec[tuple[Value, ...]],
    ) -> list[Value]:
        if first >= stop:
            return []
        blocks = range(first // _BLOCK, (stop - 1) // _BLOCK + 1)
        names = [f"{kind}:{number}" for number in blocks]
        items = [item for block in self._read(ref, names, codec) for item in block or ()]
        begin = first - blocks[0] * _BLOCK
        return items[begin : begin + stop - first]

    def _read(
        self, ref: JobRef, names: Sequence[str], codec: RecordCodec[tuple[Value, ...]]
    ) -> Iterator[tuple[Value, ...] | None]:
        for group in batches(names, _BLOCKS_PER_CALL):
            with driver_errors(f"read files of {ref}"):
                texts = self._db.client.hmget(self._key(ref), list(group))
            for text in texts:
                yield None if text is None else _unpack(codec, text, f"files of {ref}")

    def _key(self, ref: JobRef) -> str:
        return self._db.keys.job_files(ref.env, ref.kind, ref.job_id)


def _pack(codec: RecordCodec[Value], value: Value) -> bytes:
    return zlib.compress(codec.encode(value))


def _unpack(codec: RecordCodec[Value], text: bytes, name: str) -> Value:
    try:
        return codec.decode(zlib.decompress(text), name)
    except zlib.error as exc:
        raise UnreadableRecord.of(name) from exc
