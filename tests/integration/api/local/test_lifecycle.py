"""A local system is stopped whole, whatever ends it."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.servers.redis import wait_until
from tests.support.systems.up import UpProcess, children_of, free_ports, is_running, up

# A hang-up differs only in that it may be ignored from the start; a unit test says so.
_STOPS = (signal.SIGINT, signal.SIGTERM)


def _assert_none_left(pids: dict[str, int]) -> None:
    wait_until(
        lambda: not any(is_running(pid) for pid in pids.values()), f"all of {pids} have ended"
    )


def _all_pids(running: UpProcess) -> dict[str, int]:
    return {**running.child_pids(), "guardian": running.guardian_pid()}


@pytest.mark.parametrize("number", _STOPS, ids=lambda number: number.name)
def test_up__signal__stops_everything_and_exits_zero(
    number: signal.Signals, tmp_path: Path
) -> None:
    with up(tmp_path) as running:
        running.event("ready")
        pids = _all_pids(running)
        assert list(running.child_pids()) == ["store", "objects", "worker", "api"]
        assert all(is_running(pid) for pid in pids.values())
        running.send(number)
        assert running.end() == 0
    _assert_none_left(pids)
    assert [event["name"] for event in running.events][-2:] == ["stopping", "stopped"]
    assert running.event("stopping")["details"] == {"reason": number.name}
    assert not (tmp_path / "children.json").exists()


def test_up__store_dies__names_it_with_its_log_and_stops_the_rest(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.event("ready")
        pids = _all_pids(running)
        os.kill(pids["store"], signal.SIGKILL)
        assert running.end() == 1
    _assert_none_left(pids)
    assert "store was killed by SIGKILL" in running.errors[0]
    assert "Ready to accept connections" in running.errors[0]


def test_up__worker_dies__is_started_again(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.event("ready")
        before = _all_pids(running)
        os.kill(before["worker"], signal.SIGKILL)
        text = running.event("restart")["text"]
        wait_until(lambda: running.child_pids().get("worker", 0) > 0, "it is recorded")
        wait_until(lambda: running.child_pids()["worker"] != before["worker"], "it runs again")
        after = _all_pids(running)
        running.send(signal.SIGINT)
        assert running.end() == 0
    _assert_none_left(before | after)
    assert text == "restart: worker was killed by SIGKILL; starting it again in 0.05 s"
    assert {**after, "worker": 0} == {**before, "worker": 0}


def test_up__objects_killed__are_there_again(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        details = running.event("objects")["details"]
        url = f"{details['endpoint']}/{details['bucket']}/lists/a.csv"
        running.event("ready")
        assert httpx.put(url, content=b"alice").status_code == 200
        before = _all_pids(running)
        os.kill(before["objects"], signal.SIGKILL)
        assert "objects was killed" in running.event("restart")["text"]

        def is_back() -> bool:
            try:
                return httpx.get(url).content == b"alice"
            except httpx.TransportError:
                return False

        wait_until(is_back, "the object is back")
        after = _all_pids(running)
        running.send(signal.SIGINT)
        assert running.end() == 0
    _assert_none_left(before | after)


def test_up__worker_dies_again_and_again__gives_up_with_its_log(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.event("ready")
        pids = _all_pids(running)
        (tmp_path / "end-worker").touch()
        assert running.end() == 1
    _assert_none_left(pids)
    assert [event["name"] for event in running.events].count("restart") == 5
    assert "gave up after 5 restarts: worker ended with status 3" in running.errors[0]


def test_up__signal_while_starting__leaves_nothing(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.event("store")
        pids = running.child_pids()
        running.send(signal.SIGINT)
        assert running.end() == 0
    _assert_none_left(pids)
    assert not any(event["name"] == "ready" for event in running.events)


def test_up__parent_killed__guardian_stops_everything(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.event("ready")
        pids = _all_pids(running)
        running.send(signal.SIGKILL)
        running.end()
        _assert_none_left(pids)


def test_up__second_signal__kills_what_does_not_end(tmp_path: Path) -> None:
    with up(tmp_path, "--stubborn") as running:
        running.event("ready")
        pids = _all_pids(running)
        log = tmp_path / "logs/worker.log"
        wait_until(lambda: log.read_text().count("stubborn") == 2, "both ignore SIGTERM")
        grandchildren = children_of(pids["worker"])
        assert len(grandchildren) == 1
        running.send(signal.SIGINT)
        wait_until(lambda: not is_running(pids["api"]), "the API has ended")
        assert is_running(pids["worker"])
        running.send(signal.SIGINT)
        assert running.end() == 0
        running.event("killed")
    _assert_none_left({**pids, "grandchild": grandchildren[0]})


def test_up__parent_and_guardian_killed__next_start_stops_leftovers(tmp_path: Path) -> None:
    ports = free_ports()
    with up(tmp_path, *ports) as killed:
        killed.event("ready")
        left = killed.child_pids()
        os.kill(killed.guardian_pid(), signal.SIGKILL)
        killed.send(signal.SIGKILL)
        killed.end()
    assert all(is_running(pid) for pid in left.values())
    with up(tmp_path, *ports) as running:
        running.event("ready")
        _assert_none_left(left)
        text = running.event("leftovers")["text"]
        assert text == "leftovers: stopped api, worker, objects, store of an earlier run"
