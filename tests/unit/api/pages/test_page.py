"""How a page is handed over."""

import asyncio
from typing import Any

from api.http.asgi import Message
from api.pages.page import ASK_EACH_TIME, KEEP, PIECE_BYTES, Page

_SCOPE: dict[str, Any] = {"headers": [], "query_string": b""}


def _sent(page: Page, scope: dict[str, Any]) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(page.answer(scope, send))
    return sent


def test_page__of_any_length__is_sent_whole_and_ends() -> None:
    for length in (0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES):
        body = bytes(range(256)) * (length // 256 + 1)
        start, *pieces = _sent(Page.of(body[:length], "text/plain"), _SCOPE)

        assert start["status"] == 200
        assert b"".join(one["body"] for one in pieces) == body[:length]
        assert all(len(one["body"]) <= PIECE_BYTES for one in pieces)
        assert [one.get("more_body", False) for one in pieces] == [
            *([True] * (len(pieces) - 1)),
            False,
        ]


def test_page__client_reads_nothing__one_piece_is_handed_over() -> None:
    handed: list[int] = []
    page = Page.of(b"x" * 2_000_000, "text/plain")

    async def run() -> None:
        begun = asyncio.Event()

        async def stalled(message: Message) -> None:
            if message["type"] == "http.response.body":
                handed.append(len(message["body"]))
                begun.set()
                await asyncio.Event().wait()

        answering = asyncio.create_task(page.answer(_SCOPE, stalled))
        await begun.wait()
        answering.cancel()

    asyncio.run(run())
    assert handed == [PIECE_BYTES]


def test_page__of_another_body__has_another_tag() -> None:
    one, other = (Page.of(body, "text/plain") for body in (b"a", b"b"))

    assert one.tag != other.tag
    assert one.tag == Page.of(b"a", "text/html").tag


def test_page__asked_for_with_the_digest_of_another__is_not_kept() -> None:
    page = Page.of(b"body", "text/css", KEEP)

    def kept(query: str) -> bytes:
        start = _sent(page, {**_SCOPE, "query_string": query.encode()})[0]
        headers: dict[bytes, bytes] = dict(start["headers"])
        return headers[b"cache-control"]

    assert kept(f"v={page.digest}") == KEEP
    assert kept(f"v={page.digest[::-1]}") == ASK_EACH_TIME
    assert kept("") == ASK_EACH_TIME
