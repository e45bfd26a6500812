"""Writes that go out together: all bytes, in order, also what is written last."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.joined_writes import JoinedWrites

SIZES = st.lists(st.sampled_from([0, 1, 60, 400, 8_191, 8_192, 8_193, 100_000]), max_size=8)


class _Recording(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class _Writer(asyncio.Protocol):
    """Writes pieces through joined writes, some turns of the loop apart, and closes."""

    def __init__(self, pieces: list[bytes], pauses: set[int]) -> None:
        self._pieces, self._pauses = pieces, pauses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        loop = asyncio.get_running_loop()
        self.task = loop.create_task(self._write(JoinedWrites(transport, loop.call_soon)))

    async def _write(self, joined: JoinedWrites) -> None:
        for number, piece in enumerate(self._pieces):
            joined.write(piece)
            if number in self._pauses:
                await asyncio.sleep(0)
        joined.close()


@given(sizes=SIZES, pauses=st.sets(st.integers(0, 7)))
def test_writes__of_any_sizes_and_pauses__all_arrive_in_order(
    sizes: list[int], pauses: set[int]
) -> None:
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]

    async def sent_and_received() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Writer(pieces, pauses), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            received = await reader.read()
            writer.close()
            return received

    assert asyncio.run(sent_and_received()) == b"".join(pieces)


def test_head_and_body__written_in_one_turn__are_one_write() -> None:
    async def written() -> list[bytes]:
        transport = _Recording()
        joined = JoinedWrites(transport, asyncio.get_running_loop().call_soon)
        for answer in (b"1", b"2"):
            joined.write(b"head " + answer)
            joined.write(b" body " + answer)
        joined.write(b"head of a long one")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return transport.writes

    assert asyncio.run(written()) == [b"head 1 body 1", b"head 2 body 2", b"head of a long one"]


def test_close__with_something_kept__writes_it_first() -> None:
    async def closed() -> _Recording:
        transport = _Recording()
        joined = JoinedWrites(transport, asyncio.get_running_loop().call_soon)
        joined.write(b"last words")
        joined.close()
        await asyncio.sleep(0)
        return transport

    transport = asyncio.run(closed())
    assert transport.writes == [b"last words"]
    assert transport.closed
