"""Working on an export: pin a revision, write it out, say where it is."""

import logging
from collections.abc import Iterator
from typing import Any, Final

from worker.errors import TerminalError, TransientError
from worker.exports.write import write_members
from worker.jobs.errors import LeaseLost
from worker.jobs.memory import out_of_memory_reason
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.objects.layout import export_key, export_prefix
from worker.store import JobNotFound
from worker.store.jobs.records import Ended, Exhausted, ExportRequest, JobRef, Unit
from worker.store.keyspace import INCLUDED
from worker.store.lists import pin, read_shards, unpin
from worker.store.server import driver_errors

logger = logging.getLogger("bigseg.exports")

#: A pin outlives a crash by this long at most; longer than the task's own limit.
_PIN_MS: Final = 2 * 3_600 * 1_000
_PAUSE_MS: Final = 1_000
_CONTENT_TYPES: Final = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def work_on_export(context: Context, ref: JobRef) -> bool:
    """Write one list out, if nobody else does.

    Safe to run any number of times: the file appears whole or not at all.

    Returns:
        Whether there may be more to do.

    Raises:
        StoreUnavailable: the store does not answer; the sweep will come back to it.
        MemoryError: the export is stopped; this process had better end.
    """
    settings, jobs = context.settings, context.store.jobs
    unit = jobs.take(ref, lease_ms=int(settings.lease_s * 1000), most_tries=settings.unit_tries)
    if unit is None or (isinstance(unit, Ended) and not jobs.is_active(ref)):
        return False
    try:
        request = jobs.get(ref).request
    except JobNotFound:
        return False
    if not isinstance(request, ExportRequest):
        message = f"{ref} is no export"
        raise TerminalError(message)
    match unit:
        case Unit():
            return _do(context, request, unit)
        case Exhausted():
            last = jobs.field(ref, "last_error") or "the worker died each time"
            _stop(context, request, f"gave up after {unit.tries} tries: {last}")
        case Ended():
            _tidy_up(context, request)
    return False


def _do(context: Context, request: ExportRequest, unit: Unit) -> bool:
    ref, jobs = request.ref, context.store.jobs
    try:
        _complete(context, request, _write(context, request, unit))
    except LeaseLost:
        return True
    except MemoryError as exc:
        _stop(context, request, out_of_memory_reason(unit, exc))
        raise
    except TerminalError as exc:
        _stop(context, request, str(exc))
    except TransientError as exc:
        logger.warning("unit.failed", extra={"job": str(ref), "error": type(exc).__name__})
        jobs.put_field(ref, "last_error", str(exc))
        jobs.give_back(ref, unit, pause_ms=_PAUSE_MS << (unit.attempt - 1))
        return True
    return False


def _write(context: Context, request: ExportRequest, unit: Unit) -> dict[str, Any]:
    store, ref = context.store, request.list_ref
    progress = UnitProgress(context, request.ref, unit)
    revision = pin(store.database, ref, request.export_id, _PIN_MS)
    count = revision.shard_count(INCLUDED) if revision.included_bits else 0

    def shards() -> Iterator[list[bytes]]:
        yield from read_shards(store.database, ref, revision, INCLUDED, 0, count)

    scope = (ref.project, ref.environment, ref.segment)
    # A name of this try's own: a late end of another must not replace what is reported.
    key = export_key(scope, request.export_id, f"{unit.token}.{request.format}")
    with context.objects.open_writer(
        key, size_hint=None, content_type=_CONTENT_TYPES[request.format]
    ) as writer:
        rows = write_members(
            shards(), writer, request.format, lambda found: progress.add(rows=found)
        )
        info = writer.close()
    return {
        "rows": rows,
        "sizeBytes": info.size_bytes,
        "bucket": info.bucket,
        "key": info.key,
        "etag": info.etag,
        "filename": f"{ref.segment}.{request.format}",
    }


def _complete(context: Context, request: ExportRequest, report: dict[str, Any]) -> None:
    ref = request.ref
    due = context.clock_ms() + context.settings.export_retention_s * 1000
    with driver_errors(f"note when {ref} ends"):
        context.store.client.zadd(context.store.keyspace.expiring_exports(), {str(ref): due})
    keep_s = context.settings.job_retention_s
    if context.store.jobs.end(ref, "complete", report=report, keep_s=keep_s):
        logger.info("export.written", extra={"job": str(ref), "rows": report["rows"]})
    _tidy_up(context, request)


def _stop(context: Context, request: ExportRequest, reason: str) -> None:
    keep_s = context.settings.job_retention_s
    if context.store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s):
        logger.warning("export.stopped", extra={"job": str(request.ref), "reason": reason})
    _tidy_up(context, request)


def _tidy_up(context: Context, request: ExportRequest) -> None:
    """Free what an ended export held, all but its file; a sweep comes back to it."""
    store, ref = context.store, request.list_ref
    unpin(store.database, ref, request.export_id)
    prefix = export_prefix((ref.project, ref.environment, ref.segment), request.export_id)
    context.objects.abort_uploads(prefix)
    if store.jobs.get(request.ref).status == "stopped":
        context.objects.delete_prefix(prefix)
    store.jobs.forget(request.ref)
