"""When a process that ended by itself is started again, and when that is given up."""

from dataclasses import dataclass, field
from typing import Final

#: Times a process is started again before it has run for long.
MOST_RESTARTS: Final = 5
#: Seconds before the first of them; twice as long before each further one.
FIRST_PAUSE_S: Final = 1.0
#: Seconds after which a process counts as one that runs.
_RUNS_AFTER_S: Final = 60.0


@dataclass(slots=True)
class Restarts:
    """Counts the ends of each process by its name."""

    first_pause_s: float = FIRST_PAUSE_S
    _counts: dict[str, int] = field(default_factory=dict)

    def pause_s(self, name: str, ran_s: float) -> float | None:
        """How long to wait before the next start, ``None`` to give up.

        1, 2, 4, 8 and 16 seconds for one that keeps ending, half a minute together; one
        that ran for a minute begins anew.
        """
        count = 0 if ran_s >= _RUNS_AFTER_S else self._counts.get(name, 0)
        self._counts[name] = count + 1
        return None if count >= MOST_RESTARTS else self.first_pause_s * 2**count
