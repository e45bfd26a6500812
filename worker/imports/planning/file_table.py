"""The figures of each list file of an import, and which row of which file a row is."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from worker.imports.errors import lost_files
from worker.imports.stage_results import ChunkResult, Plan, Source
from worker.imports.stage_run import StageRun
from worker.lists.format import ListFormat
from worker.store.jobs import FileFigures

_FORMATS: Final = {
    ListFormat.CSV: "csv",
    ListFormat.JSON_LINES: "jsonl",
    ListFormat.PARQUET: "parquet",
}


@dataclass(frozen=True, slots=True)
class FileTable:
    """The files of an import, in order, with their figures."""

    names: tuple[str, ...]
    figures: tuple[FileFigures, ...]
    _ends: tuple[int, ...] = field(init=False)
    """The number of each file's last row, counted through all files."""

    def __post_init__(self) -> None:
        """Count the rows up to each file."""
        lines = (file.rows + file.skipped for file in self.figures)
        object.__setattr__(self, "_ends", tuple(accumulate(lines)))

    @property
    def has_several(self) -> bool:
        """Whether a row's number alone does not say which one is meant."""
        return len(self.names) > 1

    def locate(self, row: int) -> tuple[str, int]:
        """The name of the file that a row is in, and its number there, from 1.

        Args:
            row: Its number through all files, from 1.
        """
        number = min(bisect_left(self._ends, row), len(self.names) - 1)
        return self.names[number], row - (self._ends[number - 1] if number else 0)

    def describe(self, row: int) -> str:
        """A row in words, with its file where there are several; as :meth:`locate`."""
        if not self.has_several:
            return f"row {row}"
        name, number = self.locate(row)
        return f"row {number} of {name}"

    def others(self) -> list[str]:
        """Names of the files that were read as something else than the first one."""
        first = self.figures[0].form if self.figures else ""
        return [
            name for name, file in zip(self.names, self.figures, strict=True) if file.form != first
        ]


#: Of an import without files, or one from before there could be several.
NO_FILES: Final = FileTable((), ())


def form_of(source: Source) -> str:
    """What a file was read as, in a few words: ``csv, gzip, utf-8, comma``."""
    text = source.text
    if source.format is ListFormat.PARQUET:
        return "parquet"
    packed = "" if text.compression == "none" else text.compression
    words = (_FORMATS[source.format], packed, text.encoding, text.delimiter or "")
    return ", ".join(word for word in words if word)


def tabulate(run: StageRun, plan: Plan, chunks: Sequence[ChunkResult]) -> FileTable:
    """Add up the figures of each file, and record them for callers.

    Args:
        run: The import.
        plan: Its plan.
        chunks: Results of all chunks.

    Raises:
        ImportStopped: the store has lost some of them.
    """
    if not plan.files:
        return NO_FILES
    kept, ref = run.services.store.import_files, run.request.ref
    whole = [number for number, chunk in enumerate(plan.chunks) if chunk.files]
    read = kept.read_chunks(ref, whole)
    if len(read) != len(whole):
        raise lost_files(run.request.import_id)
    figures = add_up(plan, chunks, read)
    kept.write_figures(ref, figures)
    return FileTable(tuple(file.name for file in run.files(plan, 0, plan.files)), tuple(figures))


def add_up(
    plan: Plan, chunks: Sequence[ChunkResult], whole: Mapping[int, Sequence[FileFigures]]
) -> list[FileFigures]:
    """The figures of all files, in order.

    Args:
        plan: The plan.
        chunks: Results of all chunks.
        whole: By the number of a chunk of whole files: their figures.
    """
    figures = [FileFigures(0, 0)] * plan.files
    for number, (chunk, result) in enumerate(zip(plan.chunks, chunks, strict=True)):
        if chunk.files:
            figures[chunk.file : chunk.file + chunk.files] = whole[number]
            continue
        before = figures[chunk.file]
        figures[chunk.file] = FileFigures(
            before.rows + result.rows,
            before.valid + result.valid,
            form_of(plan.sources[chunk.source]),
            before.skipped + result.skipped,
        )
    return figures
