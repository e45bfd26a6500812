"""A flood of requests without a valid token, and what others notice of it: nothing."""

import asyncio
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx
import pytest

from api.access.refusal_pace import MOST_AT_ONCE, WAIT_S
from tests.support.servers.api import SEGMENTS, Api, create_segment
from tests.support.servers.wire import head
from worker.store import Store

_CONNECTIONS = 200
_SECONDS = 1.5
#: What a process that is left alone and one that pages may take; a full one takes 100 and more.
_LIMIT_S = 0.05
#: And how many times what it takes without a flood, where other programs keep the machine busy: a
#: full one takes 50 times that.
_LIMIT_TIMES = 10


@pytest.mark.parametrize("token", ["wrong", "api-{}"])
def test_flood__of_unknown_tokens__costs_the_others_nothing(
    api: Api, client: httpx.Client, store: Store, token: str
) -> None:
    key = create_segment(client)
    made = client.post("/api/v2/tokens", json={"role": "reader"}).json()["token"]
    with ThreadPoolExecutor(1) as pool, api.client(made) as reader, api.client(None) as nobody:
        times, answers = list[float](), Counter[int]()

        def ask() -> None:
            for one, path in ((reader, f"{SEGMENTS}/{key}/contexts/a"), (nobody, "/healthz")):
                started = time.perf_counter()
                answers[one.get(path).status_code] += 1
                times.append(time.perf_counter() - started)

        for _ in range(20):
            ask()
        alone = median(times)
        times.clear()
        answers.clear()
        asked = store.client.info("stats")["total_commands_processed"]
        flood = pool.submit(lambda: asyncio.run(_flood(api, token)))
        while not flood.done():
            ask()
    statuses, took_s = flood.result()
    commands = store.client.info("stats")["total_commands_processed"] - asked

    assert set(statuses) == {401}
    turns = took_s / WAIT_S + 2
    assert statuses[401] < turns * (MOST_AT_ONCE + _CONNECTIONS)
    assert median(times) < max(_LIMIT_S, _LIMIT_TIMES * alone)
    # On a machine that stands still for half a second a look-up is given up.
    assert len(times) - answers[200] <= max(2, 0.02 * len(times)), answers
    # The look-ups' own are four each at most; the tokens' twenty a second.
    assert commands < 4 * len(times) + 40 * turns


async def _flood(api: Api, token: str) -> tuple[Counter[int], float]:
    """Ask from many connections at once, again as soon as there is an answer.

    Returns:
        How many answers had which status, and after how many seconds the last one came.
    """
    statuses: Counter[int] = Counter()
    started = time.monotonic()
    end = started + _SECONDS
    url = httpx.URL(api.url)

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        while time.monotonic() < end:
            line = f"Authorization: {token.format(uuid.uuid4())}"
            writer.write(head("GET", f"{SEGMENTS}/s/contexts/a", line))
            top = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(top.partition("content-length: ")[2].split("\r\n")[0]))
            statuses[int(top.split()[1])] += 1
        writer.close()

    await asyncio.gather(*(ask() for _ in range(_CONNECTIONS)))
    return statuses, time.monotonic() - started
