"""What a process writes, tried in a process of its own."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from celery.apps import worker as celery_worker

_ROOT = Path(__file__).parents[3]
_SECRET = "context-key-that-no-log-may-hold"
_START = """
import asyncio, logging, threading, warnings
import structlog
from worker.errors import TransientError
from worker.logs import configure_logs
configure_logs()
configure_logs()
log = logging.getLogger("bigseg.test")
"""


def _lines(script: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", _START + script],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stdout
    assert _SECRET not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_events__of_either_logger__have_the_same_form() -> None:
    by_logging, by_structlog = _lines(
        'log.warning("unit.failed", extra={"job": "a"})\n'
        'structlog.get_logger("bigseg.test").warning("unit.failed", job="a")\n'
    )

    assert by_logging.pop("timestamp") <= by_structlog.pop("timestamp")
    assert by_logging == by_structlog
    assert by_logging == {
        "event": "unit.failed",
        "level": "warning",
        "logger": "bigseg.test",
        "job": "a",
    }


def test_exception__of_a_library__is_told_by_type_and_place_only() -> None:
    [line] = _lines(
        "try:\n"
        f"    raise ValueError('{_SECRET}')\n"
        "except ValueError:\n"
        '    log.exception("job.failed")\n'
    )

    assert line["event"] == "job.failed"
    assert line["error"] == "ValueError"
    assert line["where"]


def test_exception__of_bigseg__is_told_with_its_reason_and_cause() -> None:
    [line] = _lines(
        "try:\n"
        "    try:\n"
        f"        raise ValueError('{_SECRET}')\n"
        "    except ValueError as exc:\n"
        "        raise TransientError('no answer') from exc\n"
        "except TransientError:\n"
        '    structlog.get_logger("x").exception("job.failed")\n'
    )

    assert (line["error"], line["reason"], line["cause"]) == (
        "TransientError",
        "no answer",
        "ValueError",
    )


def test_task__that_celery_saw_fail__is_named_without_the_exceptions_text() -> None:
    [line] = _lines(
        f'task = {{"name": "work", "id": "1", "exc": "{_SECRET}", "args": ["{_SECRET}"]}}\n'
        'log.error("Task %(name)s raised: %(exc)s", task, extra={"data": task})\n'
    )

    assert line["event"] == "task.failed"
    assert (line["task"], line["task_id"]) == ("work", "1")


def test_future__that_nobody_awaited__is_one_line_without_the_exceptions_text() -> None:
    [line] = _lines(
        "async def fail():\n"
        f"    raise ValueError('{_SECRET}')\n"
        "async def main():\n"
        "    task = asyncio.ensure_future(fail())\n"
        "    await asyncio.sleep(0)\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )

    assert line["logger"] == "asyncio"
    assert line["error"] == "ValueError"


def test_end__unexpected__of_a_thread_and_of_the_process_are_lines() -> None:
    warning, thread, process = _lines(
        'warnings.warn("old")\n'
        f"def fail(): raise ValueError('{_SECRET}')\n"
        "thread = threading.Thread(target=fail)\n"
        "thread.start()\n"
        "thread.join()\n"
        "fail()\n"
    )

    assert warning["logger"] == "py.warnings"
    for line in (thread, process):
        assert (line["event"], line["level"]) == ("process.failed", "critical")


def test_celery__function_that_it_says_lines_with__is_where_it_is_replaced() -> None:
    assert callable(getattr(celery_worker, "safe_say", None)), (
        "Celery says its shutdown another way: adapt _set_up_logs in worker/tasks/app.py"
    )
    assert "safe_say(" in inspect.getsource(celery_worker)


def test_pool__says_that_a_process_was_killed__as_a_line() -> None:
    [line] = _lines(
        "from billiard import util\n"
        "from celery import signals\n"
        "from worker.settings import WorkerSettings\n"
        "from worker.tasks.app import create_app\n"
        "create_app(WorkerSettings())\n"
        "signals.setup_logging.send(None)\n"
        "util.get_logger()\n"
        'util.info("child process calling self.run()")\n'
        'util.error("Process %r exited with %r", "Worker-1", "signal 9 (SIGKILL)")\n'
    )

    assert line["event"] == "Process 'Worker-1' exited with 'signal 9 (SIGKILL)'"
    assert line["level"] == "error"


def test_access_log__of_uvicorn__is_off_so_that_look_ups_are_written_whole() -> None:
    (line,) = _lines(
        'access = logging.getLogger("uvicorn.access")\n'
        "access.addHandler(logging.StreamHandler())\n"
        "configure_logs()\n"
        'log.warning("access.checked", extra={"is_made": access.hasHandlers()})'
    )

    assert line["is_made"] is False
