"""Work on an export: pins a revision, writes it to files and records where they are."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from worker.errors import TerminalError, TransientError
from worker.exports.manifest import manifest_of
from worker.exports.parts import PartWriter, WrittenFile
from worker.jobs.export_place import ExportPlace
from worker.jobs.progress import LeaseLost, UnitProgress
from worker.jobs.services import Services
from worker.objects import ObjectInfo
from worker.read_ahead import read_ahead
from worker.store.jobs import ExportRequest, Unit
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Revision, pin, read_shards, unpin
from worker.store.members import unpack_members
from worker.store.monitoring import STAGE_SECONDS
from worker.store.workflows import record_end

logger = logging.getLogger("bigseg.exports")

#: A pin outlives a crash by this long at most; longer than the task's own limit.
_PIN_MS: Final = 2 * 3_600 * 1_000
#: Columns of members, 4 MiB each at most, read while those before become text or a row group.
_COLUMNS_AHEAD: Final = 12
#: How long upkeep may be late to delete files that have expired.
_RECORD_OUTLIVES_S: Final = 86_400
#: Parts whose manifest an import can still read, at about 350 bytes each.
_MOST_FILES: Final = 10_000
_SIDES: Final[Mapping[str, tuple[Side, ...]]] = {
    "included": (INCLUDED,),
    "excluded": (EXCLUDED,),
    "both": (INCLUDED, EXCLUDED),
}


class ExportWork:
    """Work on one export, whose only unit writes the list out; see ``worker.jobs.runner``.

    A file appears whole or not at all. A try that follows another one, whose worker may have been
    killed, deletes what the earlier one left and begins again.
    """

    next_stages: Final[Mapping[str, str]] = {}

    def __init__(self, services: Services, request: ExportRequest) -> None:
        self._services = services
        self._request = request
        self._place = ExportPlace.of(services.objects.bucket, request)

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
        """Free what an ended export used, except its files, and record how it ended."""
        store, ref, objects = self._services.store, self._request.ref, self._services.objects
        unpin(store.database, self._request.list_ref, self._request.export_id)
        stopped = store.jobs.get(ref).status == "stopped"
        if stopped:
            # A worker that has not noticed yet may still finish a file: upkeep looks again.
            later_ms = int(self._services.settings.lease_s * 2_000)
            store.export_files.expire(ref, self._services.clock_ms() + later_ms)
        self._place.clear(objects, keep_files=not stopped)
        record_end(store, self._request)
        store.jobs.forget(ref)

    def _write(self, unit: Unit, progress: UnitProgress) -> dict[str, Any]:
        request, database = self._request, self._services.store.database
        ref, sides = request.list_ref, _SIDES[request.options.side]
        if unit.attempt > 1:
            self._place.clear(self._services.objects)
        # Every edit answered before this moment is in the shards that are read from here on.
        as_of_ms = self._services.clock_ms()
        revision = pin(database, ref, request.export_id, _PIN_MS)
        # Edits may change the counts meanwhile; they only serve the progress.
        state = self._services.store.memberships.state(ref)
        counts = {INCLUDED: state.included_count, EXCLUDED: state.excluded_count}
        progress.expect(sum(counts[side] for side in sides))

        def confirm() -> None:
            if not progress.renew():
                raise LeaseLost(f"{request.ref} has lost its lease before its file was whole")

        with PartWriter(
            self._services.objects,
            self._place,
            request,
            unit.token,
            most_files=min(self._services.settings.import_objects, _MOST_FILES),
            confirm=confirm,
        ) as parts:
            for side in sides:
                self._write_side(parts, revision, side, progress)
        if request.options.part_rows is not None:
            confirm()  # for the manifest, which would replace that of a later try
        return self._report(parts.files, unit, {"revision": revision.number, "asOf": as_of_ms})

    def _write_side(
        self, parts: PartWriter, revision: Revision, side: Side, progress: UnitProgress
    ) -> None:
        database, ref = self._services.store.database, self._request.list_ref
        count = revision.shard_count(side) if revision.bits(side) else 0
        shards = read_shards(database, ref, revision, side, 0, count)
        with read_ahead(shards, _COLUMNS_AHEAD) as columns:
            for column in columns:
                parts.write(unpack_members(column), side)
                progress.add(rows=len(column), work=len(column))

    def _report(
        self, files: list[WrittenFile], unit: Unit, facts: dict[str, Any]
    ) -> dict[str, Any]:
        options, segment = self._request.options, self._request.list_ref.segment
        rows = sum(file.rows for file in files)
        size_bytes = sum(file.info.size_bytes for file in files)
        report = {"rows": rows, "sizeBytes": size_bytes, "files": len(files), **facts}
        if options.part_rows is None:
            report |= {"sha256": files[0].sha256, "filename": f"{segment}.{options.ending}"}
            return report | _where(files[0].info)
        key = self._place.key(self._request, unit.token, "-manifest.json")
        content = manifest_of(self._request, files, {"rows": rows, **facts})
        objects, bucket = self._services.objects, self._place.bucket
        objects.put(bucket, key, content, "application/json")
        info = ObjectInfo(bucket, key, len(content), objects.head(key, bucket=bucket).etag)
        return report | {"filename": f"{segment}-manifest.json"} | {"manifest": _where(info)}

    def _complete(self, report: dict[str, Any]) -> None:
        jobs, ref, settings = self._services.store.jobs, self._request.ref, self._services.settings
        keep_s = settings.job_retention_s
        if self._place.is_own:
            # The record says where the files are: it stays until they are deleted.
            keep_s = max(keep_s, settings.export_retention_s + _RECORD_OUTLIVES_S)
            due_ms = self._services.clock_ms() + settings.export_retention_s * 1000
            self._services.store.export_files.expire(ref, due_ms)
            report["expires"] = due_ms
        if jobs.end(ref, "complete", report=report, keep_s=keep_s):
            started_ms = jobs.get(ref).progress.started_ms or self._request.created_ms
            self._services.store.counting.add_seconds(
                STAGE_SECONDS,
                "export",
                "write",
                seconds=(self._services.clock_ms() - started_ms) / 1000,
            )
            logger.info("export.written", extra={"job": str(ref), "rows": report["rows"]})
        self.tidy_up()


def _where(info: ObjectInfo) -> dict[str, Any]:
    return {
        "bucket": info.bucket,
        "key": info.key,
        "etag": info.etag,
        "sizeBytes": info.size_bytes,
    }
