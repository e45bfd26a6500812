"""When a process that ended by itself is started again, and how its end is described."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: Seconds before a process that keeps ending is started again, doubled each time from the second
#: on; the first time there is no wait.
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
#: Doublings that are counted: many more would be too much for a float.
_MOST_DOUBLINGS: Final = 10
#: Seconds after which a process counts as one that runs.
_RUNS_AFTER_S: Final = 60.0


@dataclass(slots=True)
class Backoff:
    """Counts the ends of each process. None is given up, because others may serve."""

    _ends: dict[int, int] = field(default_factory=dict)

    def next_s(self, place: int, ran_s: float) -> float:
        """How long to wait before the next start: 0, 0.5, 1, 2, …, 30 seconds.

        The count starts again for one that ran for a minute.
        """
        ends = 0 if ran_s >= _RUNS_AFTER_S else self._ends.get(place, 0)
        self._ends[place] = ends + 1
        if not ends:
            return 0.0
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(ends - 1, _MOST_DOUBLINGS))


def describe_end(status: int) -> str:
    """How a process ended, from its exit status, negative for a signal."""
    return f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"


def _signal_name(number: int) -> str:
    names: Sequence[str] = [found.name for found in signal.Signals if found.value == number]
    return names[0] if names else f"signal {number}"
