"""One run: the system under test, the lists it has, and the figures found so far."""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.benchmarks import peers
from tests.benchmarks.lists import ListFile, write_uuids
from tests.benchmarks.memory import PEAK_SOURCE, peak_mib
from tests.benchmarks.system import Job, System

Raw: TypeAlias = dict[str, float | int | str]

#: The segment that holds the list of the run.
SEGMENT = "list"
#: Rows up to which an import is cheap enough to be measured three times.
_CHEAP_ROWS = 2_000_000
_WARM_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        runs: how often what is cheap is repeated; the median counts.
        lookup_s: seconds of one round of look-ups in a closed loop.
        idle_s: seconds of look-ups at a fixed rate beside nothing.
        gather_requests: look-ups that must fall into the gather stage of imports.
        warm_imports: imports before anything is measured; any worker process may take one.
        heavy_segments: segments that are made costly to evaluate.
        processes: worker processes that are compared, each number in a system of its own.
    """

    runs: int = 3
    lookup_s: float = 4.0
    idle_s: float = 15.0
    gather_requests: int = 2_000
    warm_imports: int = 4
    heavy_segments: int = 20
    processes: tuple[int, ...] = (1, 2)


#: Enough to see that it works; its figures mean nothing.
QUICK = Effort(
    runs=1,
    lookup_s=0.5,
    idle_s=1.0,
    gather_requests=1,
    warm_imports=1,
    heavy_segments=1,
    processes=(1,),
)


@dataclass(slots=True)
class Figures:
    """What was found: one number a key, and the raw figures it was made of."""

    values: dict[str, float] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)

    def put(self, key: str, value: float, **raw: float | str) -> None:
        """Note a figure; a second one takes the first one's place."""
        self.values[key] = round(value, 3)
        self.note(key, **raw)

    def put_peak(self, mib: float) -> None:
        """Note the peak memory of some worker process; the highest is kept."""
        highest = max(mib, self.values.get("worker_peak_mib", 0.0))
        self.put("worker_peak_mib", highest, source=PEAK_SOURCE)

    def note(self, key: str, **raw: float | str) -> None:
        """Note raw figures of something without a budget."""
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in raw.items()}
        self.raw.setdefault(key, {}).update(rounded)


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
        tell(f"making {members:,} UUIDs")
        bench = cls(system, members, figures, effort, write_uuids(system.folder, members))
        system.source(bench.list_file)
        warm_up(system, effort)
        return bench

    @property
    def import_runs(self) -> int:
        """How often an import is measured."""
        return self.effort.runs if self.members <= _CHEAP_ROWS else 1

    def product_list(self) -> str:
        """Have the list in the product; its segment."""
        if not self.imported:
            for run in range(self.import_runs):
                segment = SEGMENT if run == 0 else f"{SEGMENT}-{run}"
                tell(f"import, run {run + 1} of {self.import_runs}")
                self.system.create(segment)
                self.imported.append(self.system.import_list(segment, self.list_file))
            self.note_memory()
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


def tell(text: str) -> None:
    """Say on standard error what is being done: the run takes minutes."""
    sys.stderr.write(f"· {text}\n")
    sys.stderr.flush()
