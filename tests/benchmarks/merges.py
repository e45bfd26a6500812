"""Merging a thousand new keys into the list."""

from tests.benchmarks.bench import Bench, median, tell
from tests.benchmarks.lists import write_uuids

_KEYS = 1_000


def measure(bench: Bench) -> None:
    """From the claim to the end of the job, three times."""
    segment, system = bench.product_list(), bench.system

    def merge(number: int) -> float:
        tell(f"merge of {_KEYS:,} keys, run {number + 1} of {bench.effort.runs}")
        file = write_uuids(system.folder, _KEYS, seed=100 + number)
        system.source(file)
        job = system.import_list(segment, file, "merge")
        bench.figures.note_processor("merge", job.processor)
        bench.figures.note("merge_1k_into_10m_s", added=int(job.report["added"]))
        return job.seconds

    seconds = median(merge, bench.effort.runs)
    bench.note_memory()
    bench.figures.put("merge_1k_into_10m_s", seconds, members=bench.members, runs=bench.effort.runs)
