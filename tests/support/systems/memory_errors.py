"""The worker's application, except that work on one segment asks for more memory than there is.

Run by ``celery -A tests.support.systems.memory_errors``; the segment's key is in ``HEAVY_SEGMENT``.
"""

import os
from collections.abc import Callable
from typing import Any, Final

from worker.exports import run as exports
from worker.imports import run as imports
from worker.imports.stage_run import StageRun
from worker.tasks.main import app

__all__ = ["app"]

HEAVY: Final = "HEAVY_SEGMENT"


def _out_of_memory() -> None:
    bytearray(1 << 62)


def _heavy_stage(run: Callable[[StageRun], int]) -> Callable[[StageRun], int]:
    def stage(unit: StageRun) -> int:
        if unit.request.list_ref.segment == os.environ[HEAVY]:
            _out_of_memory()
        return run(unit)

    return stage


def _heavy_export(context: Any, request: Any, unit: Any) -> dict[str, Any]:
    if request.list_ref.segment == os.environ[HEAVY]:
        _out_of_memory()
    return _write(context, request, unit)


_write = exports._write
exports._write = _heavy_export
imports._STAGES["scatter"] = _heavy_stage(imports._STAGES["scatter"])
