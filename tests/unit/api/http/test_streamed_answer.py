"""An answer of messages, to a client that takes none."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.http import streamed_answer
from api.http.connections import uvicorn_protocol
from api.http.streamed_answer import Pieces, StreamedAnswer


async def _messages() -> AsyncIterator[Pieces]:
    yield [b"first"]
    yield [b"second"]


async def _answer_slow_client() -> list[str]:
    """Answer a client that takes the first message; gives what happened."""
    happened: list[str] = []
    is_gone = asyncio.Event()

    async def send(message: Any) -> None:
        if message.get("body") == b"second":
            await asyncio.Future()  # until it is given up
        happened.append(message["type"])

    async def receive() -> Any:
        await is_gone.wait()
        return {"type": "http.disconnect"}

    def abort() -> None:
        happened.append("aborted")
        is_gone.set()

    answer = StreamedAnswer(
        _messages(),
        media_type="text/plain",
        on_gone=lambda: happened.append("gone"),
        on_end=lambda: happened.append("end"),
        facts={},
    )
    await answer({uvicorn_protocol._ABORT: abort}, receive, send)
    return happened


def test_answer__to_a_client_that_takes_nothing__is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streamed_answer, "_SEND_S", 0.05)
    assert asyncio.run(_answer_slow_client()) == [
        "http.response.start",
        "http.response.body",
        "aborted",
        "gone",
        "end",
    ]
