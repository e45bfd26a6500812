"""`bigseg api`, `worker` and `beat` singly, as a deployment runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.processes.started import ROOT
from tests.support.servers.objects import CREDENTIALS, ObjectServer
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, wait_until


@contextmanager
def _bigseg(
    log: Path, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS, **(environment or {})},
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _says(log: Path, process: subprocess.Popen[bytes], text: str) -> bool:
    said = log.read_text(errors="replace")
    assert process.poll() is None, said
    return text in said


@pytest.fixture
def settings(valkey_server: Server, s3_server: ObjectServer) -> dict[str, str]:
    return {
        "BIGSEG_REDIS_URL": valkey_server.url,
        "BIGSEG_S3_ENDPOINT": s3_server.endpoint,
        "BIGSEG_KEY_PREFIX": "test_serve",
    }


def test_worker__sigterm__reaches_celery_itself(tmp_path: Path, settings: dict[str, str]) -> None:
    log = tmp_path / "worker.log"
    options = ("worker", "--concurrency", "1", "--queues", "bigseg.upkeep")
    with _bigseg(log, *options, environment=settings) as process:
        wait_until(lambda: _says(log, process, "upkeep@"), "Celery has taken the process over", 60)
        wait_until(lambda: _says(log, process, "ready."), "the worker is ready", 60)
        process.terminate()
        # On a busy machine it may come just before Celery's loop waits, which it does for half
        # a minute at most.
        assert process.wait(90) == 0


def test_worker__unknown_queue__is_refused(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with _bigseg(log, "worker", "--queues", "celery") as process:
        assert process.wait(30) == 2
    assert "bigseg.work and bigseg.upkeep" in log.read_text()


def test_beat__schedule_file__is_where_it_was_asked_for(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    schedule, log = tmp_path / "deep/schedule", tmp_path / "beat.log"
    with _bigseg(log, "beat", "--schedule", str(schedule), environment=settings) as process:
        wait_until(lambda: _says(log, process, "beat: Starting"), "beat has started", 60)
        # Which file it is depends on the database module of this Python.
        wait_until(lambda: any(schedule.parent.glob("schedule*")), "the schedule is kept", 60)
        process.terminate()
        process.wait(30)
    assert process.returncode == 0


def test_api__without_its_store__is_alive_and_not_ready(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "api.log"
    environment = {"BIGSEG_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with _bigseg(log, "api", "--port", str(port), environment=environment) as process:
        wait_until(lambda: _says(log, process, "Uvicorn running"), "the API listens", 60)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code == 503
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert "Application shutdown complete" in log.read_text()
