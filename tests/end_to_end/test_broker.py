"""The broker forgets, goes away and comes back; messages are hints and no more."""

import base64
import json
import os
import pickle
import threading
from collections.abc import Callable
from functools import partial

import pytest

from tests.support.processes.started import ROOT
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, wait_until
from tests.support.systems.driving import csv_of, new_segment, random_keys
from tests.support.systems.messages import send_work, waiting_messages
from tests.support.systems.parts import Part
from tests.support.systems.system import System
from tests.unit.worker.broker.test_screening import message
from worker.store.jobs.messages import QUEUE_WORK

KEYS = random_keys(25_000, 3)


@pytest.fixture
def system(brokered_system: System) -> System:
    return brokered_system


def _restart(broker: Server) -> None:
    broker.restart()


def _kill_for_a_while(broker: Server) -> None:
    broker.kill()
    threading.Event().wait(4)
    broker.start()


def _forget(broker: Server) -> None:
    broker.command_reply("FLUSHALL")


@pytest.mark.parametrize(
    ("fault", "stage"),
    [(_restart, "scatter"), (_kill_for_a_while, "gather"), (_forget, "gather")],
)
def test_broker__at_its_worst_while_importing__import_is_exact(
    system: System, fault: Callable[[Server], None], stage: str
) -> None:
    segment = new_segment(system)
    import_id = segment.upload(csv_of(KEYS))
    segment.wait_stage(import_id, stage, finished_units=1)
    fault(system.broker)
    assert segment.completed(import_id)["membersAfter"] == len(KEYS)
    assert segment.counted() == len(KEYS)


def test_broker__down_when_an_import_is_asked_for__accepted_and_done_later(
    system: System,
) -> None:
    segment = new_segment(system)
    system.broker.stop()
    import_id = segment.upload(csv_of(KEYS[:100]))
    assert segment.includes(KEYS[0]) is False
    assert segment.edit(add=["meanwhile"]).status_code == 204
    ready = "/readyz"
    wait_until(lambda: not system.http.get(ready).json()["parts"]["broker"]["ok"], "it is noticed")
    system.broker.start()
    assert segment.completed(import_id)["membersAfter"] == 101


def test_messages__many_for_one_job__are_used_up(system: System) -> None:
    segment = new_segment(system)
    import_id = segment.upload(csv_of(KEYS))
    ref = segment.state(import_id).request.ref
    send_work(system, ref, times=80)
    segment.completed(import_id)
    wait_until(lambda: waiting_messages(system) == 0, "all messages are taken")
    assert segment.counted() == len(KEYS)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


def _has_noticed(part: Part) -> bool:
    return "not a primary but replica" in part.log


def test_broker__demoted_while_workers_are_idle__they_come_back_with_it(system: System) -> None:
    segment = new_segment(system)
    pids = (system.worker.pid, system.upkeep.pid)
    system.broker.command_reply("REPLICAOF", "127.0.0.1", free_port())
    for part in (system.worker, system.upkeep):
        wait_until(partial(_has_noticed, part), f"{part.name} has noticed")
    import_id = segment.upload(csv_of(KEYS[:100]))
    assert segment.state(import_id).ended_ms is None

    system.broker.command_reply("REPLICAOF", "NO", "ONE")

    assert segment.completed(import_id)["membersAfter"] == 100
    for part, pid in zip((system.worker, system.upkeep), pids, strict=True):
        assert (part.pid, part.process and part.process.poll()) == (pid, None)


def test_messages__of_another_kind__are_dropped_and_the_worker_lives(system: System) -> None:
    segment = new_segment(system)
    pid, dropped = system.worker.pid, system.worker.log.count("message.dropped")
    good = message()
    bodies: list[bytes] = [
        pickle.dumps(_Bomb()),
        b"{",
        b"[" * 20_000,
        json.dumps(good | {"body": _base64(pickle.dumps(_Bomb()))}).encode(),
        json.dumps(
            good
            | {
                "content-type": "application/x-python-serialize",
                "content-encoding": "binary",
                "body": _base64(pickle.dumps(_Bomb())),
            }
        ).encode(),
        json.dumps(message(task="os.system")).encode(),
        json.dumps(message(argsrepr="x" * 16_000_000)).encode(),
        json.dumps(message(compression="application/x-gzip")).encode(),
    ]
    with system.broker.client() as client:
        client.lpush(f"bigseg:broker:{QUEUE_WORK}", *bodies)

    assert segment.completed(segment.upload(csv_of(KEYS[:100])))["membersAfter"] == 100
    wait_until(lambda: waiting_messages(system) == 0, "all messages are taken")
    lines = system.worker.log.count("message.dropped") - dropped
    # The last one is ours but for a header that is taken off; its job is unknown.
    assert lines == len(bodies) - 1
    assert (system.worker.pid, len(system.worker.children())) == (pid, 2)
    assert not (ROOT / "executed").exists()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
