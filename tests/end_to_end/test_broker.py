"""The broker forgets, goes away and comes back; messages are hints and no more."""

import threading
from collections.abc import Callable

import pytest

from tests.end_to_end.driving import csv_of, new_segment, random_keys
from tests.end_to_end.messages import send_work, waiting_messages
from tests.servers import Server, wait_until
from tests.systems import System

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
    send_work(system, ref, times=200)
    segment.completed(import_id)
    wait_until(lambda: waiting_messages(system) == 0, "all messages are taken")
    assert segment.counted() == len(KEYS)
