"""Intersecting the list with another one of its size, which shares half of its keys."""

from tests.benchmarks.bench import Bench, median, tell
from tests.benchmarks.lists import write_overlapping_uuids

_OTHER = "overlapping"


def measure(bench: Bench) -> None:
    """From the claim to the end of the job, each time into a segment of its own."""
    segment, system = bench.product_list(), bench.system
    system.create(_OTHER)
    system.import_list(_OTHER, write_overlapping_uuids(system.folder, bench.members))

    def compose(number: int) -> float:
        tell(f"intersection, run {number + 1} of {bench.effort.runs}")
        target = f"intersection-{number}"
        system.create(target)
        job = system.compose_list(target, "intersect", segment, _OTHER)
        bench.figures.note_processor("compose", job.processor)
        bench.figures.note("compose_10m_s", result=int(job.report["accepted"]))
        system.delete(target)
        return job.seconds

    seconds = median(compose, bench.effort.runs)
    bench.note_memory()
    bench.figures.put("compose_10m_s", seconds, members=bench.members, runs=bench.effort.runs)
    system.delete(_OTHER)
