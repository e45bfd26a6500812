"""Work on an export: pins a revision, writes it to a file and records where that is."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from worker.errors import TerminalError, TransientError
from worker.export_options import ExportFormat
from worker.exports.write import write_members
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Services
from worker.objects import export_key, export_prefix
from worker.read_ahead import read_ahead
from worker.store.jobs import ExportRequest, Unit
from worker.store.keyspace import INCLUDED
from worker.store.lists import pin, read_shards, unpin
from worker.store.monitoring import STAGE_SECONDS
from worker.store.workflows import record_end

logger = logging.getLogger("bigseg.exports")

#: A pin outlives a crash by this long at most; longer than the task's own limit.
_PIN_MS: Final = 2 * 3_600 * 1_000
#: Columns of members, 4 MiB each at most, read while those before become text or a row group.
_COLUMNS_AHEAD: Final = 12
_CONTENT_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class ExportWork:
    """Work on one export, whose only unit writes the list out; see ``worker.jobs.runner``.

    The file appears whole or not at all.
    """

    next_stages: Final[Mapping[str, str]] = {}

    def __init__(self, services: Services, request: ExportRequest) -> None:
        self._services = services
        self._request = request

    def do(self, unit: Unit, progress: UnitProgress) -> bool:
        """Write the list out and complete the export."""
        self._complete(self._write(unit, progress))
        return False

    def reason_to_stop(self, unit: Unit, error: TerminalError | TransientError) -> str | None:
        """Why the export is stopped by this error; ``None`` to try the unit again."""
        del unit
        return str(error) if isinstance(error, TerminalError) else None

    def stop(self, reason: str) -> None:
        """End the export without a file."""
        ref, keep_s = self._request.ref, self._services.settings.job_retention_s
        if self._services.store.jobs.end(ref, "stopped", reason=reason, keep_s=keep_s):
            logger.warning("export.stopped", extra={"job": str(ref), "reason": reason})
        self.tidy_up()

    def tidy_up(self) -> None:
        """Free what an ended export used, except its file, and record how it ended."""
        store, ref = self._services.store, self._request.ref
        unpin(store.database, self._request.list_ref, self._request.export_id)
        prefix = export_prefix(self._scope, self._request.export_id)
        self._services.objects.abort_uploads(prefix)
        if store.jobs.get(ref).status == "stopped":
            self._services.objects.delete_prefix(prefix)
        record_end(store, self._request)
        store.jobs.forget(ref)

    @property
    def _scope(self) -> tuple[str, str, str]:
        ref = self._request.list_ref
        return ref.project, ref.environment, ref.segment

    def _write(self, unit: Unit, progress: UnitProgress) -> dict[str, Any]:
        request, database = self._request, self._services.store.database
        ref = request.list_ref
        revision = pin(database, ref, request.export_id, _PIN_MS)
        count = revision.shard_count(INCLUDED) if revision.included_bits else 0

        # Edits may have changed it since; the figure is for those who wait.
        progress.expect(self._services.store.memberships.state(ref).included_count)
        # Each try has its own name, so that a late one cannot replace the file that is reported.
        key = export_key(self._scope, request.export_id, f"{unit.token}.{request.options.ending}")
        with (
            read_ahead(
                read_shards(database, ref, revision, INCLUDED, 0, count), _COLUMNS_AHEAD
            ) as members,
            self._services.objects.open_writer(
                key, size_hint=None, content_type=_CONTENT_TYPES[request.options.format]
            ) as writer,
        ):
            rows = write_members(
                members,
                writer,
                request.options.format,
                lambda found: progress.add(rows=found, work=found),
            )
            info = writer.close()
        return {
            "rows": rows,
            "sizeBytes": info.size_bytes,
            "bucket": info.bucket,
            "key": info.key,
            "etag": info.etag,
            "filename": f"{ref.segment}.{request.options.ending}",
        }

    def _complete(self, report: dict[str, Any]) -> None:
        jobs, ref, settings = self._services.store.jobs, self._request.ref, self._services.settings
        due_ms = self._services.clock_ms() + settings.export_retention_s * 1000
        self._services.store.export_files.expire(ref, due_ms)
        if jobs.end(ref, "complete", report=report, keep_s=settings.job_retention_s):
            started_ms = jobs.get(ref).progress.started_ms or self._request.created_ms
            self._services.store.counting.add_seconds(
                STAGE_SECONDS,
                "export",
                "write",
                seconds=(self._services.clock_ms() - started_ms) / 1000,
            )
            logger.info("export.written", extra={"job": str(ref), "rows": report["rows"]})
        self.tidy_up()
