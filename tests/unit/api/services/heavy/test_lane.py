"""Heavy evaluations: one at a time, and a bound on those that wait."""

import asyncio

import pytest

from api.errors import Unavailable
from api.services.heavy.lane import MOST_WAITING, HeavyLane


async def _seven() -> int:
    return 7


def test_lane__full__refuses_and_goes_on() -> None:
    async def run() -> None:
        lane, let_go, at_once = HeavyLane(), asyncio.Event(), [0, 0]

        async def work() -> None:
            at_once[0] += 1
            at_once[1] = max(at_once)
            await let_go.wait()
            at_once[0] -= 1

        tasks = [asyncio.create_task(lane.run(work)) for _ in range(MOST_WAITING + 1)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="evaluations that cost much"):
            await lane.run(work)
        let_go.set()
        await asyncio.gather(*tasks)
        assert at_once == [0, 1]
        assert await lane.run(_seven) == 7

    asyncio.run(run())


def test_lane__turn_that_does_not_come__is_refused_in_time() -> None:
    async def run() -> None:
        lane, let_go = HeavyLane(longest_wait_s=0.05), asyncio.Event()
        first = asyncio.create_task(lane.run(let_go.wait))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await lane.run(_seven)
        let_go.set()
        assert await first
        assert await lane.run(_seven) == 7

    asyncio.run(run())


def test_lane__work_that_fails__gives_its_turn_back() -> None:
    async def run() -> None:
        lane = HeavyLane()

        async def fail() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await lane.run(fail)
        assert await lane.run(_seven) == 7

    asyncio.run(run())
