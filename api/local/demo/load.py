"""A small keep-alive HTTP client that asks as fast as answers come."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load came to."""

    answers: list[tuple[int, bytes]]
    """Status and body, in the order of the requests."""
    seconds: float
    """Wall time of the whole load."""
    latencies_ms: list[float]
    """Time of each request, sorted."""

    def percentile_ms(self, share: float) -> float:
        """The latency that ``share`` of the requests stayed within."""
        return self.latencies_ms[
            min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))
        ]


def encode_get(url: str, path: str, token: str) -> bytes:
    """One GET request, ready to be sent."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", f"Authorization: {token}")
    return "\r\n".join(lines).encode() + _HEAD_END


def ask_all(url: str, requests: Sequence[bytes], *, connections: int) -> LoadResult:
    """Send every request over so many connections, one at a time on each.

    Raises:
        OSError: the server went away.
    """
    return asyncio.run(_ask_all(url, requests, connections))


async def _ask_all(url: str, requests: Sequence[bytes], connections: int) -> LoadResult:
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)
    latencies: list[float] = []
    turns = iter(range(len(requests)))
    place = urlsplit(url)

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            for turn in turns:
                start = time.perf_counter()
                writer.write(requests[turn])
                answers[turn] = await _read_answer(reader)
                latencies.append((time.perf_counter() - start) * 1000)
        finally:
            writer.close()
            await writer.wait_closed()

    start = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(connections)))
    seconds = time.perf_counter() - start
    return LoadResult(answers, seconds, sorted(latencies))


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(_HEAD_END)
    lowered = head.lower()
    at = lowered.index(b"content-length:") + len(b"content-length:")
    length = int(lowered[at : lowered.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(length)
