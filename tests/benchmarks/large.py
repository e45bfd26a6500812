"""Three times the list: whether scatter takes three times as long."""

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.lists import ListFile, uuid_blocks

_TIMES = 3
_SEGMENT = "large"


def measure(bench: Bench) -> None:
    """Import both; the stand-in's part of it is in the raw figures."""
    bench.product_list()
    base = bench.imported[-1]
    rows = _TIMES * bench.members
    tell(f"import of {rows:,} UUIDs")
    system = bench.system
    file = ListFile(system.folder / "none", f"large-{rows}.csv", rows)
    system.source_blocks(file, uuid_blocks(rows, seed=6))
    system.create(_SEGMENT)
    job = system.import_list(_SEGMENT, file)
    bench.note_memory()
    once, thrice = base.stage_seconds["scatter"], job.stage_seconds["scatter"]
    bench.figures.put(
        "scatter_30m_vs_10m",
        thrice / once,
        once_s=once,
        thrice_s=thrice,
        rows=rows,
        stand_in_once_s=base.processor["scatter"]["objects"],
        stand_in_thrice_s=job.processor["scatter"]["objects"],
    )
    bench.figures.note_processor(f"{rows:,} UUIDs", job.processor)
    system.delete(_SEGMENT)
    system.delete_source(file)
