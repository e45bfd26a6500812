"""How much is measured: enough to mean something, or just enough to see that it works."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        runs: how often what is cheap is repeated; the median counts.
        long_runs: how often what takes seconds at 10 M members is.
        warm_s: seconds of look-ups in a closed loop before the first round.
        lookup_s: seconds of one round of them.
        idle_s: seconds of look-ups at a fixed rate beside nothing.
        phase_requests: look-ups that must fall into each phase of imports, if they can.
        imports_most: imports beside which look-ups are sent, at most.
        warm_imports: imports before anything is measured; any worker process may take one.
        heavy_segments: segments that are made costly to evaluate.
        heavy_at_once: evaluations of them at a time.
        streams: of SDKs that are open at the same time.
        processes: worker processes that are compared, each number in a system of its own.
        evaluated: segments of the environment in which a context is evaluated.
        objects: of which a list consists that is compared with one of one object.
        form_rows: rows of the lists of other forms, at most.
        call_rows: rows of the lists whose longest calls are looked for, at most.
        call_runs: how often those calls are looked for.
        settle_s: for which the server's memory must not change before it counts.
        huge: sizes of the lists of ``--only huge``.
        settings: of the system under test.
    """

    runs: int = 3
    long_runs: int = 2
    warm_s: float = 0.5
    lookup_s: float = 3.0
    idle_s: float = 16.0
    phase_requests: int = 1_000
    imports_most: int = 2
    warm_imports: int = 4
    heavy_segments: int = 20
    heavy_at_once: int = 8
    streams: int = 9_500
    processes: tuple[int, ...] = (1, 2)
    evaluated: int = 1_000
    objects: int = 100
    form_rows: int = 4_000_000
    call_rows: int = 2_000_000
    call_runs: int = 5
    settle_s: float = 1.0
    huge: tuple[int, ...] = (1_000_000, 10_000_000, 30_000_000, 100_000_000)
    settings: Mapping[str, str] = field(default_factory=dict)


#: Enough to see that it works; its figures mean nothing. Small chunks, so that even a small list
#: goes through all stages.
QUICK = Effort(
    runs=1,
    long_runs=1,
    warm_s=0.1,
    lookup_s=0.2,
    idle_s=1.0,
    phase_requests=1,
    imports_most=1,
    warm_imports=1,
    heavy_segments=1,
    heavy_at_once=2,
    streams=400,
    processes=(1,),
    evaluated=100,
    objects=10,
    form_rows=20_000,
    call_rows=20_000,
    call_runs=1,
    settle_s=0.1,
    huge=(20_000,),
    settings={"BIGSEG_CHUNK_ROWS": "5000"},
)
