"""The progress of an import as server-sent events: what comes, and when the stream ends."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.contract.conftest import EVENT_STREAMS
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
)
from tests.support.servers.redis import wait_until
from worker.store import JobRef, Store
from worker.store.jobs import Unit, share_entry

Event = tuple[str, Any]


@pytest.fixture
def location(client: httpx.Client) -> str:
    """The path of an import that nobody works on."""
    path = f"{SEGMENTS}/{create_segment(client)}/imports"
    location: str = client.post(path, files={"file": ("list.csv", b"a\n")}).headers["location"]
    return location


def _ref(location: str) -> JobRef:
    return JobRef("import", PRODUCTION, location.rpartition("/")[2])


@contextmanager
def _stream(client: httpx.Client, location: str, **headers: str) -> Iterator[Iterator[Event]]:
    with client.stream("GET", f"{location}/events", headers=headers) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield _events(reply.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_events__of_a_running_import__come_on_change_until_its_end(
    client: httpx.Client, store: Store, location: str
) -> None:
    ref = _ref(location)
    with (
        _stream(client, location) as one,
        _stream(client, location, **{"Last-Event-ID": "7"}) as other,
    ):
        name, first = next(one)
        assert (name, first) == ("progress", client.get(location).json()["progress"])
        assert next(other) == ("progress", first)
        unit = store.jobs.take(ref, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        share = share_entry("plan", 0, 1.0)
        store.jobs.renew(ref, unit, lease_ms=60_000, rows=0, size_bytes=0, share=share)
        seen: list[Any] = []
        while not seen or seen[-1]["percent"] < 1:
            seen.append(next(one)[1])
        assert [each["phase"] for each in seen] == ["reading"] * len(seen)
        store.jobs.renew(ref, unit, lease_ms=60_000, rows=0, size_bytes=0)  # nothing new
        client.delete(location)
        for stream in (one, other):
            *between, last = stream
            assert {name for name, _ in between} <= {"progress"}
            assert last == ("end", client.get(location).json())
        assert last[1]["reason"].startswith("cancelled by")


def test_events__of_an_import_that_has_ended__are_its_end(
    client: httpx.Client, location: str
) -> None:
    ended = client.delete(location).json()
    with _stream(client, location) as events:
        assert list(events) == [("end", ended)]


def test_events__of_an_unknown_import__are_refused(client: httpx.Client, location: str) -> None:
    other = location.rpartition("/")[0] + "/11111111-1111-4111-8111-111111111111"
    assert_refused(client.get(f"{other}/events"), 404, "not_found")


def test_events__token_is_revoked__end(api: Api, client: httpx.Client, location: str) -> None:
    body = {"name": "watcher", "role": "reader"}
    made = client.post("/api/v2/tokens", json=body).json()
    with api.client(made["token"]) as reader, _stream(reader, location) as events:
        assert next(events)[0] == "progress"
        client.delete(f"/api/v2/tokens/{made['_id']}")
        wait_until(lambda: reader.get(location).status_code == 401, "it is revoked")
        client.delete(location)
        assert "end" not in [name for name, _ in events]


def test_events__more_streams_than_allowed__are_refused_until_one_is_closed(
    client: httpx.Client, location: str
) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(_stream(client, location)) for _ in range(EVENT_STREAMS)]
        assert [next(stream)[0] for stream in streams] == ["progress"] * EVENT_STREAMS
        message = assert_refused(client.get(f"{location}/events"), 503, "service_unavailable")
        assert "BIGSEG_EVENT_STREAMS" in message

    def is_free() -> bool:
        with client.stream("GET", f"{location}/events") as reply:
            return reply.status_code == 200

    wait_until(is_free, "closed streams make room")
