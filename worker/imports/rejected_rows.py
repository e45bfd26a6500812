"""The rejected rows of an import: a part a chunk while it is read, one file once all are read.

The file is written before the guards decide, so an import that they stop has one, too. Parts are
spills and are deleted with them; the file is kept as long as the import's record.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from worker.imports.planning.file_table import FileTable
from worker.imports.spill_store import SpillFile
from worker.imports.stage_results import ChunkResult
from worker.imports.stage_run import StageRun
from worker.jobs.progress import LeaseLost
from worker.jobs.services import Services
from worker.lists.byte_streams import Sink
from worker.lists.keys.validation import KeyBatch
from worker.lists.rejected_rows import HEADER, RejectedRows, read_part
from worker.objects import rejected_key, rejected_prefix
from worker.store.jobs import REJECTED, ImportRequest, RejectedFile, RejectedFileRef
from worker.store.workflows import is_deleted

#: When a file is deleted whose import never ends: when its record is dropped.
_ABANDONED_MS: Final = 90 * 86_400_000


class RejectedPart:
    """The rejected rows of one try at a chunk; nothing is written without any.

    Nothing of it remains if the block fails.
    """

    def __init__(self, run: StageRun) -> None:
        self._run = run
        self._stack = ExitStack()
        self._files: list[SpillFile] = []
        self._sink: Sink | None = None

    def add(self, batch: KeyBatch, rows_before: int) -> None:
        """Keep the rejected rows of a batch that begins so many rows into the chunk.

        Raises:
            SpillUnwritable: the directory of spills did not take it.
        """
        rejected = RejectedRows.of(batch, rows_before)
        if rejected is None:
            return
        if self._sink is None:
            unit = self._run.unit
            spill = self._run.spills.write(unit.number, unit.token, self._files, kind="rejected")
            self._sink = self._stack.enter_context(spill)
        rejected.write_to(self._sink)

    def close(self) -> SpillFile | None:
        """Finish the part; ``None`` if no row was rejected."""
        self._stack.close()
        return self._files[0] if self._files else None

    def remove(self) -> None:
        """Delete the part, which no record may refer to; idempotent."""
        for file in self._files:
            self._run.spills.remove(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def write_rejected_rows(run: StageRun, chunks: Sequence[ChunkResult], files: FileTable) -> None:
    """Join the parts of all chunks to one file, once, if any row was rejected.

    Memory: that of a part of an upload and of one batch, however many rows there are.

    Args:
        run: The import; all rows of its list have been read.
        chunks: Results of all chunks.
        files: The files of the chunks.

    Raises:
        LeaseLost: another worker has the unit, or the import has ended.
    """
    jobs, request = run.services.store.jobs, run.request
    if not any(chunk.rejected_part for chunk in chunks):
        return
    if jobs.read(request.ref, REJECTED) is not None:
        return
    ref = _ref_of(request)
    # Listed first: whatever happens now, the file will be found and deleted.
    due_ms = run.services.clock_ms() + _ABANDONED_MS
    run.services.store.rejected_files.add(ref, due_ms)
    key = rejected_key(ref.owner, request.import_id, attempt=run.unit.token)
    with run.services.objects.open_writer(key, content_type="text/csv") as writer:
        writer.write(HEADER)
        for lines in _read_lines(run, chunks, files):
            writer.write(lines)
            run.progress.add()
        info = writer.close()
    if not run.progress.renew():
        run.services.objects.delete(key)
        raise LeaseLost(f"{request.ref} has lost its lease of {run.unit.stage}")
    file = RejectedFile(info.bucket, info.key, info.size_bytes, info.etag)
    jobs.write(request.ref, REJECTED, file)


def keep_rejected_rows(services: Services, request: ImportRequest) -> None:
    """Have the file of an ended import deleted in time, or soon if its list is deleted.

    What other tries have left is deleted now. Idempotent. Cost: one round trip to the store if no
    row was rejected.
    """
    store, ref = services.store, _ref_of(request)
    if not store.rejected_files.is_listed(ref):
        return
    state = store.jobs.get(request.ref)
    prefix = rejected_prefix(ref.owner, ref.import_id)
    services.objects.abort_uploads(prefix)
    services.objects.delete_prefix(prefix, but=state.rejected.key if state.rejected else None)
    keep_ms = 0 if is_deleted(store, request) else services.settings.job_retention_s * 1000
    ended_ms = state.ended_ms or services.clock_ms()
    store.rejected_files.expire(ref, ended_ms + keep_ms)


def _read_lines(run: StageRun, chunks: Sequence[ChunkResult], files: FileTable) -> Iterator[bytes]:
    """The lines of all parts, in order of the rows; rows are numbered by file."""
    rows_before, spills = 0, run.spills
    for result in chunks:
        rows_before += result.skipped
        if (part := result.rejected_part) is not None:
            for rejected in read_part(spills.read(part, 0, part.size_bytes)):
                # What was written together is of one file.
                name, row = files.locate(rows_before + rejected.first_row)
                yield rejected.csv_lines(name, row - rejected.first_row)
        rows_before += result.rows + result.skipped_within


def _ref_of(request: ImportRequest) -> RejectedFileRef:
    return RejectedFileRef(request.list_ref, request.import_id)
