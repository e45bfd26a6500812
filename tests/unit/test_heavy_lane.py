"""Heavy evaluations: one at a time, and a bound on those that wait."""

import asyncio
import threading

import pytest

from api.errors import Unavailable
from api.evaluation import Effort
from api.launchdarkly.heavy_lane import MOST_WAITING, HeavyLane


def test_lane__full__refuses_and_goes_on() -> None:
    async def run() -> None:
        lane, let_go, at_once = HeavyLane(), threading.Event(), [0, 0]

        def work(effort: Effort) -> bool:
            at_once[0] += 1
            at_once[1] = max(at_once)
            assert let_go.wait(10)
            at_once[0] -= 1
            return effort.is_light

        tasks = [asyncio.create_task(lane.run(work)) for _ in range(MOST_WAITING + 1)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        refused = asyncio.create_task(lane.run(work))
        with pytest.raises(Unavailable, match="evaluations that cost much"):
            await refused
        let_go.set()
        assert await asyncio.gather(*tasks) == [False] * (MOST_WAITING + 1)
        assert at_once == [0, 1]
        assert await lane.run(lambda _: 7) == 7

    asyncio.run(run())


def test_lane__turn_that_does_not_come__is_refused_in_time() -> None:
    async def run() -> None:
        lane, let_go = HeavyLane(longest_wait_s=0.05), threading.Event()
        first = asyncio.create_task(lane.run(lambda _: let_go.wait(10)))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await lane.run(lambda _: None)
        let_go.set()
        assert await first
        assert await lane.run(lambda _: 7) == 7

    asyncio.run(run())


def test_lane__work_that_fails__gives_its_turn_back() -> None:
    async def run() -> None:
        lane = HeavyLane()

        def fail(_: Effort) -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await lane.run(fail)
        assert await lane.run(lambda _: 7) == 7

    asyncio.run(run())
