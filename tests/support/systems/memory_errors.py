"""The worker's application, except that work on one segment asks for more memory than there is.

Run by ``celery -A tests.support.systems.memory_errors``; the segment's key is in ``HEAVY_SEGMENT``.
"""

import os
from typing import Final

from worker.exports.run import ExportWork
from worker.imports import run as imports
from worker.imports.stage_run import StageRun
from worker.jobs.progress import UnitProgress
from worker.store import ExportRequest, ImportRequest
from worker.store.jobs.units import Unit
from worker.store.lists import Published
from worker.tasks import work
from worker.tasks.main import app

__all__ = ["app"]

HEAVY: Final = "HEAVY_SEGMENT"


def _out_of_memory() -> None:
    bytearray(1 << 62)


def _is_heavy(request: ImportRequest | ExportRequest) -> bool:
    return request.list_ref.segment == os.environ[HEAVY]


def _heavy_scatter(run: StageRun) -> Published | None:
    if _is_heavy(run.request):
        _out_of_memory()
    return _scatter(run)


class HeavyExport(ExportWork):
    """An export that asks for more memory than there is."""

    def do(self, unit: Unit, progress: UnitProgress) -> bool:
        if _is_heavy(self._request):
            _out_of_memory()
        return super().do(unit, progress)


_scatter = imports._STAGES["scatter"]
imports._STAGES["scatter"] = _heavy_scatter
work.ExportWork = HeavyExport  # type: ignore[attr-defined]  # what serving a job uses
