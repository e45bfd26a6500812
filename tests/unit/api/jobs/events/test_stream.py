"""Streams of an import's progress: what is sent while nothing changes."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.access.auth import Caller, Role
from api.access.scope import EVERYTHING
from api.jobs.events import stream, watching
from api.services.services import Services
from tests.support.store.stores import clock_ms, opened
from worker.store import ImportRequest, JobState, ListRef, Store

CALLER = Caller("ann", "t1", Role.READER, EVERYTHING)


def _services(store: Store) -> Services:
    """What a stream uses of them."""
    parts = SimpleNamespace(
        store=lambda: store,
        settings=SimpleNamespace(event_streams=1, connections=8),
        token_directory=SimpleNamespace(still_allows=lambda _: True),
        clock=clock_ms,
        stopping=asyncio.Event(),
    )
    return cast("Services", parts)


async def _read(store: Store, state: JobState, messages: int) -> list[bytes]:
    """The first messages of a stream."""
    services, sent, enough = _services(store), list[bytes](), asyncio.Event()
    streams = watching.ImportStreams(services)
    answer = stream.stream_import(services, streams, CALLER, state, represent=_unused)

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            sent.append(message["body"])
        if len(sent) == messages:
            enough.set()

    await asyncio.wait_for(answer({"type": "http"}, receive, send), 60)
    return sent


def _unused(_: JobState) -> Any:
    raise AssertionError


def test_stream__import_that_is_looked_at_and_does_not_change__says_that_it_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "_POLL_S", 0.01)
    monkeypatch.setattr(stream, "_PING_S", 0.05)
    with opened(None) as store:
        ref = ListRef("default", "production", "s", 1)
        request = ImportRequest("i1", ref, "merge", (), allow_empty=False, created_ms=1)
        store.jobs.create(request, stage="plan", units=1)
        state = store.jobs.get(request.ref)

        first, *others = asyncio.run(_read(store, state, 3))

    assert first.startswith(b"event: progress\n")
    assert others == [b": still open\n\n"] * 2
