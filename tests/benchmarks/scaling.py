"""What a second worker process brings, and that memory does not grow with the file."""

from tests.benchmarks.bench import Effort, Figures, tell, warm_up
from tests.benchmarks.lists import write_uuids
from tests.benchmarks.memory import peak_mib
from tests.benchmarks.system import Kind, System, running_system


def measure(
    figures: Figures,
    kind: Kind,
    members: int,
    *,
    append_only: bool,
    largest: int | None,
    effort: Effort,
) -> str:
    """Start a system for each number of processes and import into it; the server's name."""
    more = [largest] if largest else []
    # A peak never falls, so the lists come in order of their size.
    sizes = {1: [members], 2: sorted({max(1, members // 10), members, *more})}
    server = ""
    for processes in effort.processes:
        rows_each = sizes[processes]
        with running_system(kind, concurrency=processes, append_only=append_only) as system:
            server = system.server
            warm_up(system, effort)
            for rows in rows_each:
                tell(f"import of {rows:,} by {processes} process(es)")
                _import(system, figures, rows, processes)
    return server


def _import(system: System, figures: Figures, rows: int, processes: int) -> None:
    file = write_uuids(system.folder, rows)
    system.source(file)
    segment = f"list-{rows}"
    system.create(segment)
    job = system.import_list(segment, file)
    peak = peak_mib(system.worker_pids())
    figures.put_peak(peak)
    stages = job.stage_seconds
    figures.note(
        f"import: {rows:,} UUIDs, {processes} process(es)",
        members_s=rows / job.seconds,
        scatter_s=stages.get("scatter", 0.0),
        gather_s=stages.get("gather", 0.0),
        worker_peak_mib=peak,
    )
    file.path.unlink()
