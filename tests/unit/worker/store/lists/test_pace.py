"""The pace of a writer, driven by a simulated server."""

import random
from dataclasses import dataclass, field

import pytest

from worker.store.lists.pace import (
    FIRST_RATE,
    FULL,
    LEAST_RATE,
    SHARED,
    STALLED_SHARE,
    Delays,
    Pace,
)

LIMIT_S = 0.001


@dataclass
class Simulated:
    """A server that stalls soon after some writes, the oftener the more is written to it."""

    stall_s: float
    bytes_a_stall: float
    quick_s: float = 0.0002
    now_s: float = 1_000.0
    sent: int = 0
    stalled_s: float = 0.0
    stalls: list[float] = field(default_factory=list)
    """When those to come begin."""
    source: random.Random = field(default_factory=lambda: random.Random(1))

    def run(self, pace: Pace, seconds: float) -> float:
        """Write for a while; gives the share of it that was stalled."""
        until, before, began = self.now_s + seconds, self.stalled_s, self.now_s
        while self.now_s < until:
            size = pace.window.size_bytes
            delay = self._delay()
            self.now_s += delay + self.quick_s
            self.sent += size
            if self.source.random() < size / self.bytes_a_stall:
                self.stalls.append(self.now_s + self.source.random() * 0.01)
            pace.note_answer(delay, self.now_s)
            self.now_s += pace.pause_after(size, self.now_s)
        return (self.stalled_s - before) / (self.now_s - began)

    def _delay(self) -> float:
        """How long a window that is sent now waits."""
        begun = [one for one in self.stalls if one <= self.now_s]
        self.stalls = [one for one in self.stalls if one > self.now_s]
        self.stalled_s += len(begun) * self.stall_s
        return max((one + self.stall_s - self.now_s for one in begun), default=0.0)


def test_pace__nobody_asks__has_no_limit() -> None:
    pace = Pace(LIMIT_S)
    pace.note_asked(asked=False)
    assert (pace.window, pace.rate, pace.reason(1.0)) == (FULL, None, "nobody asks")
    pace.note_answer(5.0, 1.0)
    assert pace.pause_after(10**9, 1.0) == 0
    assert pace.paused_s == 0


def test_pace__no_limit_set__is_never_asked() -> None:
    pace = Pace(0)
    pace.note_asked(asked=True)
    assert (pace.window, pace.rate) == (FULL, None)


def test_pace__begins__as_if_somebody_asked() -> None:
    pace = Pace(LIMIT_S)
    assert (pace.window, pace.rate) == (SHARED, FIRST_RATE)
    assert pace.reason(1.0) == "answers in time"


@pytest.mark.parametrize("stall_s", [0.004, 0.04])
@pytest.mark.parametrize("bytes_a_stall", [4e6, 40e6])
def test_pace__server_stalls_by_what_is_written__stalls_take_their_share(
    stall_s: float, bytes_a_stall: float
) -> None:
    server, pace = Simulated(stall_s, bytes_a_stall), Pace(LIMIT_S)
    server.run(pace, 20)
    share = server.run(pace, 40)
    unavoidable = LEAST_RATE / bytes_a_stall * stall_s
    assert share < 2 * max(STALLED_SHARE, unavoidable)
    assert share > STALLED_SHARE / 3, "it is no slower than it need be"
    assert pace.reason(server.now_s) in ("answers late", "answers in time")


def test_pace__server_never_stalls__rate_grows_beyond_what_it_takes() -> None:
    server, pace = Simulated(0.0, 1e6), Pace(LIMIT_S)
    server.run(pace, 10)
    before = server.sent
    server.run(pace, 1)
    assert server.sent - before > 0.9 * SHARED.size_bytes / server.quick_s


def test_pace__server_stalls_for_ever__goes_on_slowly_and_recovers() -> None:
    server, pace = Simulated(0.05, 1.0), Pace(LIMIT_S)
    server.run(pace, 10)
    assert pace.rate == LEAST_RATE
    assert pace.reason(server.now_s) == "answers late"
    server.bytes_a_stall = 1e18
    server.run(pace, 20)
    assert pace.rate > 4 * LEAST_RATE
    assert pace.reason(server.now_s) == "answers in time"


def test_window__server_takes_long_for_a_shard__has_fewer() -> None:
    pace = Pace(LIMIT_S)
    for moment in range(200):
        pace.note_answer(0.0005, float(moment), held_s=40e-6 * 8, shards=8)
    assert pace.window.shards == 3
    for moment in range(200, 500):
        pace.note_answer(0.0005, float(moment), held_s=4e-6 * 3, shards=3)
    assert pace.window == SHARED
    for moment in range(500, 800):
        pace.note_answer(0.0005, float(moment), held_s=9.0, shards=1)
    assert pace.window.shards == 1


def test_pause__writer_was_busy_otherwise__is_not_made_up_for() -> None:
    pace = Pace(LIMIT_S)
    size = SHARED.size_bytes
    pace.pause_after(size, 1.0)
    windows = 0
    while pace.pause_after(size, 100.0) == 0:
        windows += 1
    assert windows * size / FIRST_RATE < 0.02


def test_delays__clocks_differ__the_least_counts_as_none() -> None:
    delays = Delays()
    assert delays.of(100.0, 5_000.0) == 0
    assert delays.of(100.1, 5_000.103) == pytest.approx(0.003)
    assert delays.of(100.2, 5_000.19) == 0
    assert delays.of(100.3, 5_000.3) == pytest.approx(0.01)


def test_delays__clock_is_set__misleads_for_ten_seconds_at_most() -> None:
    delays = Delays()
    found = [delays.of(now / 10, now / 10 + (60 if now > 50 else 0)) for now in range(200)]
    assert found[60] == pytest.approx(60)
    assert found[-1] == pytest.approx(0)


def test_delays__own_clock_is_set_back__misleads_for_ten_seconds_at_most() -> None:
    delays = Delays()
    found = [delays.of(now / 10 - (3_600 if now > 50 else 0), now / 10) for now in range(200)]
    assert found[60] == pytest.approx(3_600)
    assert found[-1] == pytest.approx(0)
