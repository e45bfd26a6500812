"""How fast a writer of shards may go while others ask the same server.

While nobody looks anything up, a writer goes at full speed. Otherwise it sends small windows,
one at a time, at a rate that follows what it does to others: each window tells how long it
took the server to begin it and to be done with it, and a look-up sent at that moment would have
waited as long. Small windows alone are not enough: with an append-only file, two writers without
a pause gave look-ups a p99 of 7 to 9 ms with windows of 4, 8, 16 and 32 shards alike, and of
0.7 ms when they paused, at 35 MB/s; idle it was 0.1 to 0.3 ms (Redis 8.2 on one core with those
who ask). The milliseconds are taken to be those in which the file is synchronised.

So the rate grows steadily, and falls by as much as one stall is worth if stalls shall take one
part in 125 of the time, so that a p99 hardly sees them. Several writers share a server by each
doing so.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

Reason = Literal["nobody asks", "answers in time", "answers late"]
PACE_REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Window:
    """What is sent before anything is waited for."""

    shards: int
    size_bytes: int
    """A larger shard goes alone."""
    connections: int
    """Windows that are on their way at once."""


#: Enough that a window costs little itself; the server stores one while the reply to the other
#: is on its way.
FULL: Final = Window(32, 64 * 1024, 2)
#: About 0.05 ms of the server (Redis 8.2). Fewer shards where that takes longer.
SHARED: Final = Window(8, 16 * 1024, 1)

#: Bytes a second: what a writer starts with beside look-ups, and its bounds.
FIRST_RATE: Final = 16e6
LEAST_RATE: Final = 4e6
MOST_RATE: Final = 1e9
#: Part of the time that stalls may take.
STALLED_SHARE: Final = 1 / 125
#: How the rate grows, in parts of itself a second; later after a stall, so many times as fast.
_GROWTH: Final = 0.3
_FREE_GROWTH: Final = 4.0
_FREE_AFTER_S: Final = 3.0
#: A single stall quarters the rate at most; a longer one keeps it from growing for a while.
_MOST_FALL_S: Final = math.log(4) / _GROWTH
_LONGEST_HOLD_S: Final = 10.0
#: Pauses that are owed because the writer was busy otherwise are not made up for.
_BURST_S: Final = 0.01
#: A writer that was busy otherwise has learned nothing meanwhile.
_LONGEST_STEP_S: Final = 0.1
#: Part of the limit that a single window may take; several writers may be at it at once.
_HELD_SHARE: Final = 1 / 8
#: How much the last window tells of what a shard costs the server.
_SMOOTHING: Final = 0.05
#: The reason is the one of this long ago or later.
_LATE_FOR_S: Final = 3.0


class Pace:
    """The pace of one writer. Moments are seconds of any clock that only goes forward."""

    def __init__(self, limit_s: float) -> None:
        """Begin as if somebody asked.

        Args:
            limit_s: How long a look-up may wait for writers; 0 means as long as it takes.
        """
        self._limit_s = limit_s
        self._asked = limit_s > 0
        self._rate = FIRST_RATE
        self._shard_s = 0.0
        self._noted_s = self._due_s = self._late_s = self._held_s = -math.inf
        #: Since it began, for those who watch.
        self.sent_bytes, self.paused_s = 0, 0.0

    @property
    def window(self) -> Window:
        """What may be sent at once."""
        if not self._asked:
            return FULL
        most = self._limit_s * _HELD_SHARE / max(self._shard_s, 1e-9)
        return replace(SHARED, shards=max(1, min(SHARED.shards, int(most))))

    @property
    def rate(self) -> float | None:
        """Bytes a second; ``None`` is as many as the server takes."""
        return self._rate if self._asked else None

    def reason(self, now_s: float) -> Reason:
        """Why it is what it is."""
        if not self._asked:
            return "nobody asks"
        return "answers late" if now_s - self._late_s < _LATE_FOR_S else "answers in time"

    def note_asked(self, asked: bool) -> None:
        """Note whether anybody looks something up in this server now."""
        self._asked = asked and self._limit_s > 0

    def note_answer(
        self, delay_s: float, now_s: float, *, held_s: float = 0.0, shards: int = 0
    ) -> None:
        """Note how long a window took.

        Args:
            delay_s: Until the server was done with it; a look-up sent with it has waited so long.
            now_s: The moment.
            held_s: The part of it that the server worked at the window, or at others meanwhile.
            shards: Shards in the window.
        """
        if shards:
            self._shard_s += (held_s / shards - self._shard_s) * _SMOOTHING
        since_s, self._noted_s = min(now_s - self._noted_s, _LONGEST_STEP_S), now_s
        if not self._asked:
            return
        if delay_s > self._limit_s:
            self._late_s = now_s
            # It stands for the time since the last one: a stall may have gone by in between.
            growth_s = -self._fall_for(max(delay_s, since_s), now_s)
        elif now_s < self._held_s:
            return
        else:
            is_free = now_s - max(self._late_s, self._held_s) >= _FREE_AFTER_S
            growth_s = since_s * (_FREE_GROWTH if is_free else 1)
        rate = self._rate * math.exp(_GROWTH * growth_s)
        self._rate = min(max(rate, LEAST_RATE), MOST_RATE)

    def _fall_for(self, delay_s: float, now_s: float) -> float:
        """Seconds of growth to take back at once for a stall; the rate stands still for others."""
        worth_s = delay_s / STALLED_SHARE
        at_once_s = min(worth_s, _MOST_FALL_S)
        self._held_s = min(max(self._held_s, now_s) + worth_s - at_once_s, now_s + _LONGEST_HOLD_S)
        return at_once_s

    def pause_after(self, size_bytes: int, now_s: float) -> float:
        """Seconds to wait before the next window, after one of this size."""
        self.sent_bytes += size_bytes
        if not self._asked:
            self._due_s = now_s
            return 0.0
        self._due_s = max(self._due_s, now_s - _BURST_S) + size_bytes / self._rate
        pause_s = max(0.0, self._due_s - now_s)
        self.paused_s += pause_s
        return pause_s


class Delays:
    """Tells by two clocks how long requests waited for a server to begin them.

    The clocks may differ by anything. The least difference seen of late is taken for a request
    that did not wait, so a step of either clock misleads for ten seconds at most. What the
    process itself waits for its own turn to run after the reply has come is not in it.
    """

    _PERIOD_S: Final = 5.0

    def __init__(self) -> None:
        self._before = self._least = math.inf
        self._until_s = -math.inf

    def of(self, sent_s: float, begun_s: float) -> float:
        """The delay of a request.

        Args:
            sent_s: When it was sent, by this process's clock.
            begun_s: When it was begun, by the server's.
        """
        # Earlier than its period is a moment only after this process's clock was set back.
        if not self._until_s - self._PERIOD_S <= sent_s < self._until_s:
            self._before, self._least = self._least, math.inf
            self._until_s = sent_s + self._PERIOD_S
        difference = begun_s - sent_s
        self._least = min(self._least, difference)
        return difference - min(self._least, self._before)
