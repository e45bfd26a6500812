"""Importing lists of other keys than UUIDs; no budget, the rates are to be seen."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.lists import ListFile, write_emails, write_ids, write_uneven_emails

_FORMS: Mapping[str, Callable[[Path, int], ListFile]] = {
    "ids of 8 digits": write_ids,
    "e-mail, 30 characters": write_emails,
    "e-mail, 24 to 36 characters": write_uneven_emails,
}


def measure(bench: Bench) -> None:
    """Import each form once, and see what a member takes."""
    system = bench.system
    for number, (name, write) in enumerate(_FORMS.items()):
        tell(f"import of {name}")
        file = write(system.folder, bench.members)
        system.source(file)
        segment = f"form-{number}"
        before = system.used_bytes()
        system.create(segment)
        job = system.import_list(segment, file)
        size = system.used_bytes() - before
        bench.note_memory()
        bench.figures.note(
            f"import: {name}",
            members_s=bench.members / job.seconds,
            seconds=job.seconds,
            bytes_a_member=size / bench.members,
        )
        file.path.unlink()
