"""Whatever a server does, a writer goes on within its bounds."""

import hypothesis.strategies as st
from hypothesis import given

from worker.store.lists.pace import FULL, LEAST_RATE, MOST_RATE, SHARED, Delays, Pace

moments = st.floats(0, 1e3)
steps = st.lists(
    st.tuples(st.floats(0, 10), st.floats(0, 100), st.booleans(), st.integers(1, 10**7))
)


@given(limit_s=st.floats(0, 1), start=moments, steps=steps)
def test_pace__any_answers__pauses_are_bounded_by_the_least_rate(
    limit_s: float, start: float, steps: list[tuple[float, float, bool, int]]
) -> None:
    pace, now, paused = Pace(limit_s), start, 0.0
    for since, delay, asked, size in steps:
        now += since
        pace.note_asked(asked)
        pace.note_answer(delay, now, held_s=delay / 2, shards=size % 40)
        pause = pace.pause_after(size, now)
        assert 0 <= pause <= size / LEAST_RATE + 1e-9
        assert pace.window == FULL or 1 <= pace.window.shards <= SHARED.shards
        if pace.rate is None:
            assert pause == 0
            assert not asked or limit_s == 0
        else:
            assert LEAST_RATE <= pace.rate <= MOST_RATE
        now += pause
        paused += pause
    assert pace.sent_bytes == sum(size for *_, size in steps)
    assert abs(pace.paused_s - paused) < 1e-6 * max(1, paused)


@given(pairs=st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e9, 1e9)), min_size=1))
def test_delays__any_clocks__are_never_negative(pairs: list[tuple[float, float]]) -> None:
    delays = Delays()
    for sent, begun in sorted(pairs):
        assert delays.of(sent, begun) >= 0
