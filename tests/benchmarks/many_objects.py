"""Importing a list that lies in S3 as a hundred objects, against the same list as one."""

from pathlib import Path

from tests.benchmarks.bench import Bench, median, tell
from tests.benchmarks.lists import ListFile, write_uuids

_OBJECTS = 100


def measure(bench: Bench) -> None:
    """Import each in turn; the seconds from the claim to the end of the job count."""
    system = bench.system
    whole, many = _write(system.folder, min(bench.members, bench.effort.form_rows))
    folder = system.source_folder("a-hundred/", many)

    def ratio(number: int) -> float:
        tell(f"import of {_OBJECTS} objects as one, run {number + 1} of {bench.effort.runs}")
        seconds: list[float] = []
        for file in (whole, folder):
            segment = f"objects-{number}-{len(seconds)}"
            system.create(segment)
            job = system.import_list(segment, file)
            seconds.append(job.seconds)
            bench.figures.note_processor(file.name, job.processor)
            system.delete(segment)
        bench.figures.note("import_100_objects_vs_one", one_s=seconds[0], objects_s=seconds[1])
        return seconds[0] / seconds[1]

    system.source(whole)
    value = median(ratio, bench.effort.runs)
    bench.note_memory()
    bench.figures.put("import_100_objects_vs_one", value, rows=whole.rows, objects=_OBJECTS)
    for file in (whole, *many):
        file.path.unlink()


def _write(folder: Path, rows: int) -> tuple[ListFile, list[ListFile]]:
    """The same UUIDs in one file, and in a hundred."""
    each = rows // _OBJECTS
    parts = [write_uuids(folder, each, seed=1_000 + number) for number in range(_OBJECTS)]
    whole = folder / "as-one.csv"
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.path.read_bytes())
    return ListFile(whole, whole.name, each * _OBJECTS), parts
