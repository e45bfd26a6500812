"""Only what a local system has started itself is ever stopped."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from api.local.processes.leftovers import StartedProcess, stop_leftovers
from tests.support.servers.redis import wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


def _record(folder: Path, pid: int, created_s: float | None) -> Path:
    record = folder / "children.json"
    record.write_text(json.dumps([asdict(StartedProcess("worker", pid, created_s))]))
    return record


def _created_s(pid: int) -> float:
    created_s = StartedProcess.identify("", pid).created_s
    assert created_s is not None
    return created_s


def test_leftovers__same_process__is_stopped(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    record = _record(tmp_path, sleeper.pid, _created_s(sleeper.pid))
    assert stop_leftovers(record) == ["worker"]
    assert sleeper.wait(60) == -signal.SIGTERM
    assert not record.exists()


@pytest.mark.parametrize(
    "created_s",
    [
        pytest.param(lambda: None, id="not known"),
        pytest.param(lambda: 1_000_000.0, id="before this boot"),
        pytest.param(lambda: psutil.boot_time() + 1.0, id="an earlier process"),
        pytest.param(lambda: time.time() + 60.0, id="by a clock that was set back"),
    ],
)
def test_leftovers__recycled_number__is_left_alone(
    created_s: Callable[[], float | None], sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert stop_leftovers(_record(tmp_path, sleeper.pid, created_s())) == []
    assert sleeper.poll() is None


@pytest.mark.parametrize("reaped", [True, False])
def test_leftovers__leader_gone__its_group_is_stopped(tmp_path: Path, *, reaped: bool) -> None:
    script = "/bin/sleep 600 & echo $!; read line"
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as leader:
        assert leader.stdin is not None
        assert leader.stdout is not None
        left = StartedProcess.identify("", int(leader.stdout.readline()))
        started = StartedProcess.identify("worker", leader.pid)
        leader.stdin.close()
        if reaped:
            leader.wait(60)
        else:
            wait_until(lambda: not started.is_running(), "the leader is a zombie")
        assert left.is_running()
        assert stop_leftovers(_record(tmp_path, leader.pid, started.created_s)) == ["worker"]
        wait_until(lambda: not left.is_running(), "the rest of the group has ended")


@pytest.mark.parametrize("content", ["", "[", '[{"pid": 1}]'])
def test_leftovers__record_cut_off__is_dropped(content: str, tmp_path: Path) -> None:
    record = tmp_path / "children.json"
    record.write_text(content)
    assert stop_leftovers(record) == []
    assert not record.exists()


def test_process__while_it_runs__is_told_from_one_that_has_ended() -> None:
    own = StartedProcess.identify("own", os.getpid())
    assert own == StartedProcess.identify("own", os.getpid())
    assert own.is_running()
    with subprocess.Popen(["/bin/sleep", "0"]) as ended:
        zombie = StartedProcess.identify("ended", ended.pid)
        wait_until(lambda: not zombie.is_running(), "a zombie does not run")
    assert not zombie.is_running()
    assert StartedProcess.identify("gone", ended.pid).created_s is None
