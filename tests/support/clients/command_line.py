"""Commands of `bigseg` as a user runs them, and the worker's part, which is done by hand."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from typer.testing import Result

from tests.support.clients.program import run_program
from tests.support.servers.api import TOKEN, Api
from tests.support.servers.redis import wait_until
from tests.support.store.jobs import jobs_of
from worker.objects import ObjectStore
from worker.store import JobRef, Store

Run = Callable[..., Result]

#: What a worker reports of a small import.
IMPORT_REPORT: Final = {
    "rowsRead": 4,
    "accepted": 2,
    "duplicates": 1,
    "rejected": 1,
    "membersBefore": 0,
    "added": 2,
    "removed": 0,
    "unchanged": 0,
    "membersAfter": 2,
    "seconds": {"scatter": 0.25},
    "rejectedSample": [{"row": 3, "reason": "blank"}],
}


@pytest.fixture
def run(api: Api, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command in this process; ``typed`` is its standard input."""
    monkeypatch.setenv("BIGSEG_URL", api.url)
    monkeypatch.setenv("BIGSEG_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("BIGSEG_OUTPUT", "table")

    def run_command(*words: str, typed: bytes = b"") -> Result:
        return run_program(*words, typed=typed)

    return run_command


def json_of(result: Result) -> Any:
    """What a command that succeeded has printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@contextmanager
def working(store: Store, segment: str, end: Callable[[JobRef], None]) -> Iterator[None]:
    """End the segment's next job, as a worker would."""
    found: list[JobRef] = []

    def is_there() -> bool:
        active = jobs_of(store, segment)
        found[:] = [one.request.ref for one in active if one.ended_ms is None]
        return bool(found)

    def work() -> None:
        wait_until(is_there, f"{segment} has a job")
        end(found[0])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join(90)


def complete_export(store: Store, objects: ObjectStore, ref: JobRef, content: bytes) -> None:
    """Write an export's file, and end it."""
    with objects.open_writer(f"exports/{ref.job_id}") as writer:
        writer.write(content)
    info = writer.close()
    where = {"bucket": info.bucket, "key": info.key, "etag": info.etag}
    report = {"sizeBytes": info.size_bytes, "rows": content.count(b"\n"), **where}
    store.jobs.end(ref, "complete", report=report, keep_s=600)
