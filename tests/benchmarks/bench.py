"""One run: the system under test, the lists it has, and what was found so far."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.benchmarks import peers
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figures
from tests.benchmarks.lists import ListFile, write_uuids
from tests.benchmarks.memory import peak_mib
from tests.benchmarks.system import Job, System

#: The segment that holds the list of the run.
SEGMENT = "list"
_WARM_ROWS = 100_000


@dataclass(slots=True)
class Bench:
    """What the measurements share; lists are loaded when first needed."""

    system: System
    members: int
    figures: Figures
    effort: Effort
    list_file: ListFile
    peer_loaded: bool = False
    imported: list[Job] = field(default_factory=list)

    @classmethod
    def open(cls, system: System, members: int, figures: Figures, effort: Effort) -> "Bench":
        """Make the list, have it in S3, and have every process do some work once."""
        tell(f"{system.server}: making {members:,} UUIDs")
        bench = cls(system, members, figures, effort, write_uuids(system.folder, members))
        system.source(bench.list_file)
        warm_up(system, effort)
        return bench

    def import_once(self) -> Job:
        """Import the list of the run into a segment of its own; the first one is `SEGMENT`."""
        number = len(self.imported)
        segment = SEGMENT if number == 0 else f"{SEGMENT}-{number}"
        tell(f"import, run {number + 1}")
        self.system.create(segment)
        job = self.system.import_list(segment, self.list_file)
        self.imported.append(job)
        self.note_memory()
        return job

    def product_list(self) -> str:
        """Have the list in the product; its segment."""
        if not self.imported:
            self.import_once()
        return SEGMENT

    def peer_set(self) -> None:
        """Have the list in the peers' plain set."""
        if not self.peer_loaded:
            tell("loading the plain set")
            blocks = peers.encode_sadds(self.list_file)
            peers.pipe(self.system.store_port, blocks, self.members)
            self.peer_loaded = True

    def drop_peer_set(self) -> None:
        """Empty the peers' database."""
        peers.flush(self.system.store_port)
        self.peer_loaded = False

    def note_memory(self) -> None:
        """Look at the worker processes' peaks; the highest is kept."""
        peak = peak_mib(self.system.worker_pids())
        self.figures.put_peak(peak)


def warm_up(system: System, effort: Effort) -> None:
    """Let worker processes import what they need, and open their connections."""
    file = write_uuids(system.folder, _WARM_ROWS, seed=2)
    system.create("warm")
    for _ in range(effort.warm_imports):
        system.import_list("warm", file)
    system.export_list("warm")


def median(run: Callable[[int], float], runs: int) -> float:
    """Run it some times; the median of what it gives."""
    return statistics.median(run(number) for number in range(runs))


def middle(found: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The median, and beside it the least and the most."""
    return statistics.median(found), (min(found), max(found))


def tell(text: str) -> None:
    """Say on standard error what is being done: the run takes minutes."""
    sys.stderr.write(f"· {text}\n")
    sys.stderr.flush()
