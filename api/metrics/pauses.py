"""The interpreter's collections of garbage: how seldom, how long, and what they may leave out.

A collection stops the whole process. One of everything that start-up made took 140 ms, and came
every few seconds under load. So what lives as long as the process is put where collections do not
look, and requests leave nothing for them to find (a test counts it): they then have only the
requests in flight to look at.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from api.metrics.exposition import COLLECTION_SECONDS, LONGEST_COLLECTION
from api.metrics.metrics import observe
from api.metrics.tally import Tally

#: New objects between two collections, then how many of those between two that look further back.
#: An object takes 0.1 to 0.8 µs. Python's 700 would look at a few hundred requests in flight again
#: and again, to find nothing. Each wider collection looks at what at most three narrower ones left.
THRESHOLDS: Final = (5_000, 2, 2)
#: What a longer one looked at is not looked at again, so that a wider one takes three times this.
LONG_S: Final = 0.002


def watch_collections(
    tally: Tally, *, monotonic: Callable[[], float] = time.perf_counter
) -> Callable[[], None]:
    """Count every collection from now on; gives what ends that.

    After a long one, nothing that is there is looked at again: so caches may grow to any size, and
    a pause is only ever for what is new. What is there and is in a reference cycle would stay for
    ever once it is no longer used; requests make none, and connections take theirs apart.

    Args:
        tally: where the durations go.
        monotonic: seconds.
    """
    durations, longest = tally.row(COLLECTION_SECONDS), tally.row(LONGEST_COLLECTION)
    started = monotonic()

    def note(phase: str, _info: Mapping[str, int]) -> None:
        nonlocal started
        if phase == "start":
            started = monotonic()
            return
        seconds = monotonic() - started
        observe(durations, seconds)
        if seconds > LONG_S:
            gc.freeze()
        longest.floats[longest.at] = max(longest.floats[longest.at], seconds)

    gc.callbacks.append(note)
    return lambda: gc.callbacks.remove(note)


def settle() -> None:
    """End a start-up: collect once, and never look again at what is there now."""
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
    gc.freeze()
    # Python compares what is new with what the last one of all left: with nothing, from now on.
    gc.collect()


@contextmanager
def making_what_stays() -> Iterator[None]:
    """Make objects that live as long as the process, without a collection meanwhile or later.

    What else is there at the end, such as a request in flight, is left alone from then on as
    well; it goes like everything without reference cycles.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
