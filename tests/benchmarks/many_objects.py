"""Importing a list that lies in S3 as a hundred objects, against the same list as one."""

from pathlib import Path

from tests.benchmarks.bench import Bench, median, tell
from tests.benchmarks.lists import ListFile, write_uuids


def measure(bench: Bench) -> None:
    """Import each in turn; the seconds from the claim to the end of the job count."""
    system = bench.system
    objects = bench.effort.objects
    whole, many = _write(system.folder, min(bench.members, bench.effort.form_rows), objects)
    folder = system.source_folder("a-hundred/", many)

    def ratio(number: int) -> float:
        tell(f"import of {objects} objects as one, run {number + 1} of {bench.effort.runs}")
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
    bench.figures.put("import_100_objects_vs_one", value, rows=whole.rows, objects=objects)
    for file in (whole, *many):
        file.path.unlink()


def _write(folder: Path, rows: int, objects: int) -> tuple[ListFile, list[ListFile]]:
    """The same UUIDs in one file, and in as many as there are to be objects."""
    each = rows // objects
    parts = [write_uuids(folder, each, seed=1_000 + number) for number in range(objects)]
    whole = folder / "as-one.csv"
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.path.read_bytes())
    return ListFile(whole, whole.name, each * objects), parts
