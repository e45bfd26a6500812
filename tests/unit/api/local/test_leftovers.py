"""Only what a local system has started itself is ever stopped."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.local.process_identity import boot_mark, process_exists, start_mark
from api.local.processes import stop_leftovers
from tests.support.servers.redis import wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


def _record(folder: Path, pid: int, *, mark: str | None, boot: str | None = None) -> Path:
    record = folder / "children.json"
    line = {"name": "worker", "pid": pid, "mark": mark, "boot": boot or boot_mark()}
    record.write_text(json.dumps([line]))
    return record


def test_leftovers__same_process__is_stopped(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    record = _record(tmp_path, sleeper.pid, mark=start_mark(sleeper.pid))
    assert stop_leftovers(record) == ["worker"]
    assert sleeper.wait(10) == -signal.SIGTERM
    assert not record.exists()


@pytest.mark.parametrize("boot", [None, "before"])
@pytest.mark.parametrize("mark", ["another moment", None])
def test_leftovers__recycled_number__is_left_alone(
    mark: str | None, boot: str | None, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert stop_leftovers(_record(tmp_path, sleeper.pid, mark=mark, boot=boot)) == []
    assert sleeper.poll() is None


def test_leftovers__leader_gone__its_group_is_stopped(tmp_path: Path) -> None:
    script = "/bin/sleep 600 & echo $!; read line"
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as leader:
        assert leader.stdin is not None
        assert leader.stdout is not None
        left = int(leader.stdout.readline())
        mark = start_mark(leader.pid)
        leader.stdin.close()
        leader.wait(10)
        assert process_exists(left)
        assert stop_leftovers(_record(tmp_path, leader.pid, mark=mark)) == ["worker"]
        wait_until(lambda: start_mark(left) is None, "the rest of the group has ended")


@pytest.mark.parametrize("content", ["", "[", '[{"pid": 1}]'])
def test_leftovers__record_cut_off__is_dropped(content: str, tmp_path: Path) -> None:
    record = tmp_path / "children.json"
    record.write_text(content)
    assert stop_leftovers(record) == []
    assert not record.exists()


def test_identity__own_process__has_one_mark_and_others_another() -> None:
    assert start_mark(os.getpid()) == start_mark(os.getpid())
    assert start_mark(os.getpid()) is not None
    with subprocess.Popen(["/bin/sleep", "0"]) as ended:
        wait_until(lambda: start_mark(ended.pid) is None, "a zombie has no mark")
