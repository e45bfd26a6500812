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
#: 4,096 requests in flight are some 100,000 objects: Python's 700 would look at them
#: hundreds of times while they come in, to find nothing.
THRESHOLDS: Final = (10_000, 10, 10)


def watch_collections(
    tally: Tally, *, monotonic: Callable[[], float] = time.perf_counter
) -> Callable[[], None]:
    """Count every collection from now on; gives what ends that.

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
        longest.floats[longest.at] = max(longest.floats[longest.at], seconds)

    gc.callbacks.append(note)
    return lambda: gc.callbacks.remove(note)


def settle() -> None:
    """End a start-up: collect once, and never look again at what is there now."""
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
    gc.freeze()


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
