"""What a second worker process brings."""

from tests.benchmarks.bench import tell, warm_up
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figures
from tests.benchmarks.launch import running_system
from tests.benchmarks.lists import write_uuids
from tests.benchmarks.memory import peak_mib
from tests.benchmarks.system import System
from tests.support.servers.redis import Kind


def measure(
    figures: Figures, kind: Kind, members: int, *, append_only: bool, effort: Effort
) -> str:
    """Start a system for each number of processes and import into it; the server's name."""
    server = ""
    for processes in effort.processes:
        with running_system(kind, effort, concurrency=processes, append_only=append_only) as system:
            server = system.server
            warm_up(system, effort)
            tell(f"import of {members:,} by {processes} process(es)")
            _import(system, figures, members, processes)
    return server


def _import(system: System, figures: Figures, rows: int, processes: int) -> None:
    file = write_uuids(system.folder, rows)
    segment = f"list-{rows}"
    system.create(segment)
    job = system.import_list(segment, file)
    peak = peak_mib(system.worker_pids())
    figures.put_peak(peak)
    name = f"{rows:,} UUIDs, {processes} process(es)"
    figures.note(
        f"import: {name}",
        members_s=rows / job.seconds,
        scatter_s=job.stage_seconds["scatter"],
        gather_s=job.stage_seconds["gather"],
        worker_peak_mib=peak,
    )
    figures.note_processor(name, job.processor)
    file.path.unlink()
