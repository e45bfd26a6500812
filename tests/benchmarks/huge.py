"""Lists of up to 100 M members: seconds by stage, bytes a member, and a worker's peak."""

from tests.benchmarks.bench import tell, warm_up
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figures
from tests.benchmarks.forms import scatter_rate
from tests.benchmarks.launch import running_system
from tests.benchmarks.lists import ListFile, uuid_blocks
from tests.benchmarks.memory import peak_mib
from tests.benchmarks.system import System
from tests.support.servers.redis import Kind


def measure(figures: Figures, kind: Kind, *, append_only: bool, effort: Effort) -> str:
    """Import one list after the other, each freed before the next; the server's name.

    The lists are never on the disk as a whole but in the stand-in: 3.7 GB for 100 M rows, and
    2.3 GB in the server and its append-only file.
    """
    with running_system(kind, effort, append_only=append_only) as system:
        warm_up(system, effort)
        for rows in effort.huge:
            _import(system, figures, rows)
        return system.server


def _import(system: System, figures: Figures, rows: int) -> None:
    tell(f"import of {rows:,} UUIDs")
    file = ListFile(system.folder / "none", f"huge-{rows}.csv", rows)
    system.source_blocks(file, uuid_blocks(rows, seed=7))
    segment = f"huge-{rows}"
    before = system.used_bytes()
    system.create(segment)
    job = system.import_list(segment, file)
    # A peak never falls, so the lists come in order of their size.
    peak = peak_mib(system.worker_pids())
    figures.put_peak(peak)
    figures.note(
        f"huge: {rows:,} UUIDs",
        members_s=rows / job.seconds,
        **{f"{stage}_s": seconds for stage, seconds in job.stage_seconds.items()},
        scatter_rows_s=scatter_rate(job, rows),
        bytes_a_member=(system.used_bytes() - before) / rows,
        worker_peak_mib=peak,
    )
    figures.note_processor(f"{rows:,} UUIDs", job.processor)
    system.delete(segment)
    system.delete_source(file)
