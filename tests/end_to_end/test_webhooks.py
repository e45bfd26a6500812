"""Webhooks through real workers: each end is delivered, whatever dies meanwhile."""

import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.servers.receivers import Received, Receiver, running_receiver
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, BigSegment, csv_of, new_segment, random_keys
from tests.support.systems.system import System

WEBHOOKS: Final = "/api/v2/projects/default/environments/production/webhooks"
KEYS: Final = ("alice", "bob", "carol")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def webhook(system: System, receiver: Receiver) -> Iterator[dict[str, Any]]:
    """A webhook that hears of everything; its secret is in it."""
    reply = system.http.post(WEBHOOKS, json={"url": receiver.url})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    yield made
    system.revive()
    assert system.http.delete(f"{WEBHOOKS}/{made['id']}").status_code == 204


def _wait_for(receiver: Receiver, kind: str, job_id: str) -> Received:
    def found() -> list[Received]:
        return [
            one
            for one in receiver.received
            if one.event["type"] == kind and one.event["data"].get("id") == job_id
        ]

    wait_until(lambda: bool(found()), f"{kind} of {job_id} has arrived", LIMIT_S)
    return found()[-1]


def _assert_is_answer(system: System, received: Received, href: str) -> None:
    """What an event says of a job is what GET of it says."""
    data, shown = received.event["data"], system.http.get(href).json()
    report = data.pop("report", None)
    if report is not None:
        assert report == {name: shown["report"][name] for name in report}
    links = data.pop("_links")
    assert links == {name: shown["_links"][name] for name in links}
    assert data == {name: shown.get(name) for name in data}


def test_ends__of_imports_and_exports__are_delivered_signed_although_the_first_try_fails(
    system: System, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    receiver.answer = lambda number: 500 if number == 0 else 200
    segment = new_segment(system)
    complete = segment.upload(csv_of(KEYS))
    segment.completed(complete)
    first = _wait_for(receiver, "import.complete", complete)
    stopped = segment.upload(b"", "replace")
    segment.ended(stopped)
    waiting = segment.upload(csv_of(KEYS[:1]), "replace", waitOnApprovals="True")
    held = _wait_for(receiver, "import.pending_approval", waiting)
    _assert_is_answer(system, held, f"{segment.path}/imports/{waiting}")
    assert system.http.delete(f"{segment.path}/imports/{waiting}").is_success
    export = segment.system.http.post(f"{segment.path}/exports").headers["location"]
    ends = [
        (_wait_for(receiver, "import.stopped", stopped), f"{segment.path}/imports/{stopped}"),
        (_wait_for(receiver, "import.stopped", waiting), f"{segment.path}/imports/{waiting}"),
        (_wait_for(receiver, "export.complete", export.rpartition("/")[2]), export),
        (first, f"{segment.path}/imports/{complete}"),
    ]
    for received, href in ends:
        _assert_is_answer(system, received, href)
        assert received.event["environment"] == "production"
    wait_until(
        lambda: system.http.get(f"{WEBHOOKS}/{webhook['id']}").json()["queued"] == 0,
        "all is delivered, also what failed first",
        LIMIT_S,
    )
    assert all(one.is_signed_by(webhook["secret"]) for one in receiver.received)
    assert not any(key in one.body for one in receiver.received for key in KEYS)
    log = system.http.get(f"{WEBHOOKS}/{webhook['id']}/deliveries").json()["items"]
    assert log[-1]["reason"] == "answered 500"
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert ids.count(ids[0]) > 1, "the one that failed has the same id again"
    assert len(set(ids)) == 5


def test_workers__killed_while_they_deliver__deliver_again_under_the_same_id(
    system: System, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    arrived, held = threading.Event(), threading.Event()

    def answer(number: int) -> int:
        if number == 0:
            arrived.set()
            held.wait(LIMIT_S)
        return 200

    receiver.answer = answer
    segment = new_segment(system)
    import_id = segment.upload(csv_of(random_keys(50, 4)))
    assert arrived.wait(LIMIT_S), system.logs()
    for part in (system.worker, system.upkeep):
        part.kill()
    held.set()
    assert system.http.get(f"{WEBHOOKS}/{webhook['id']}").json()["queued"] == 1
    system.revive()
    wait_until(lambda: len(receiver.received) > 1, "it is delivered again", LIMIT_S)
    first, second = receiver.received[:2]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert second.event["data"]["id"] == import_id
    assert second.is_signed_by(webhook["secret"])


def test_job__ended_by_a_process_that_died_before_it_said_so__is_announced_by_another(
    system: System, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    del webhook
    for part in (system.worker, system.upkeep):
        part.kill()
    segment: BigSegment = new_segment(system)
    import_id = segment.upload(csv_of(KEYS))
    ref = segment.state(import_id).request.ref
    assert system.store.jobs.end(ref, "stopped", reason="as if it had died here", keep_s=600)
    assert receiver.received == []
    system.revive()
    received = _wait_for(receiver, "import.stopped", import_id)
    assert received.event["data"]["reason"] == "as if it had died here"
