"""Importing lists of several forms: what a process scatters, and what a member takes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.lists import (
    ListFile,
    write_emails,
    write_ids,
    write_uneven_emails,
    write_uuid_parquet,
    write_uuids,
)
from tests.benchmarks.system import Job

_UUIDS, _PARQUET, _EMAILS = "UUIDs", "UUIDs in Parquet", "e-mail, 30 characters"
_FORMS: Mapping[str, Callable[[Path, int], ListFile]] = {
    _UUIDS: lambda folder, rows: write_uuids(folder, rows, seed=5),
    _PARQUET: write_uuid_parquet,
    "ids of 8 digits": write_ids,
    _EMAILS: write_emails,
    "e-mail, 24 to 36 characters": write_uneven_emails,
}


def measure(bench: Bench) -> None:
    """Import each form once."""
    rows = min(bench.members, bench.effort.form_rows)
    rates = {name: _import(bench, name, rows) for name in _FORMS}
    figures = bench.figures
    figures.put("scatter_uuid_rows", rates[_UUIDS], rows=rows)
    figures.put("scatter_email_rows", rates[_EMAILS], rows=rows)
    figures.put(
        "scatter_parquet_vs_csv",
        rates[_PARQUET] / rates[_UUIDS],
        csv_rows_s=rates[_UUIDS] * 1e6,
        parquet_rows_s=rates[_PARQUET] * 1e6,
        rows=rows,
    )


def _import(bench: Bench, name: str, rows: int) -> float:
    """Import one form; the millions of rows that a process scatters a second."""
    tell(f"import of {name}")
    system = bench.system
    file = _FORMS[name](system.folder, rows)
    segment = f"form-{list(_FORMS).index(name)}"
    system.source(file)
    before = system.used_bytes()
    system.create(segment)
    job = system.import_list(segment, file)
    size = system.used_bytes() - before
    bench.note_memory()
    rate = scatter_rate(job, rows)
    bench.figures.note(
        f"import: {name}",
        members_s=rows / job.seconds,
        seconds=job.seconds,
        scatter_s=job.stage_seconds["scatter"],
        scatter_rows_s=rate,
        bytes_a_member=size / rows,
    )
    bench.figures.note_processor(name, {"scatter": job.processor["scatter"]})
    file.path.unlink()
    system.delete(segment)
    return rate / 1e6


def scatter_rate(job: Job, rows: int) -> float:
    """Rows a second of one worker process: by processor time, so that a full machine matters less.

    Everything that the workers' processes do in that stage counts, also the decoder of Parquet.
    """
    return rows / max(job.processor["scatter"]["workers"], 0.01)
