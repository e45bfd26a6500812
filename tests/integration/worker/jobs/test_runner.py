"""Imports and exports end in one way, whatever happens to a unit."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.store.stores import clock_ms, token
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports.errors import ImportStopped
from worker.store import (
    ExportRequest,
    ImportRequest,
    JobRef,
    JobState,
    ListRef,
    UnreadableRecord,
    admit_export,
)
from worker.store.jobs.stage_state import LAST_ERROR
from worker.tasks.work import serve_job, work_on
from worker.upkeep.sweep import sweep_jobs
from worker.upkeep.tidy import tidy_lists

KEY = "ann@example.com"
CONTENT = f"{KEY}\nb\n".encode()
#: What each kind of job asks of the bucket, and the stage in which it does.
KINDS = {"import": ("head", "plan 0"), "export": ("open_writer", "write 0")}
_LIMIT_S = 30


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, unit_tries=2) as imports:
        yield imports


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def job(running: Imports, kind: str) -> JobRef:
    """A job that has just been admitted, over a list of two."""
    ref = running.list_of(KEY, "b")
    if kind == "import":
        return running.start(ref, CONTENT).ref
    return _admit_export(running, ref)


@pytest.fixture
def fail(
    running: Imports, kind: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[BaseException], None]:
    """Have the bucket raise at every call that the job makes first."""

    def start(error: BaseException) -> None:
        def raise_error(*_: Any, **__: Any) -> NoReturn:
            raise error

        monkeypatch.setattr(running.services.objects, KINDS[kind][0], raise_error)

    return start


def _admit_export(running: Imports, ref: ListRef) -> JobRef:
    request = ExportRequest(token(), ref, clock_ms())
    admit_export(running.services.store, request)
    return request.ref


def _state(running: Imports, job: JobRef) -> JobState:
    return running.services.store.jobs.get(job)


def _work_until_ended(running: Imports, job: JobRef) -> JobState:
    def ended() -> bool:
        work_on(running.services, job)
        return _state(running, job).ended_ms is not None

    wait_until(ended, f"the end of {job}", _LIMIT_S)
    return _state(running, job)


def _raw(running: Imports, job: JobRef, field: str) -> bytes | None:
    store = running.services.store
    found: bytes | None = store.client.hget(
        store.keyspace.job(job.env, job.kind, job.job_id), field
    )
    return found


def test_unit__unexpected_error__is_given_back_and_done_by_the_next_try(
    running: Imports,
    job: JobRef,
    fail: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail(RuntimeError(KEY))
    with pytest.raises(RuntimeError):
        work_on(running.services, job)

    assert _state(running, job).ended_ms is None
    why = running.services.store.jobs.read(job, LAST_ERROR)
    assert why == "unexpected RuntimeError", "and nothing of its text"
    assert not work_on(running.services, job), "not before its pause is over"

    monkeypatch.undo()
    assert _work_until_ended(running, job).status == "complete"


def test_unit__unexpected_error_at_every_try__ends_the_job(
    running: Imports, job: JobRef, kind: str, fail: Callable[[BaseException], None]
) -> None:
    fail(RuntimeError(KEY))

    def ended() -> bool:
        try:
            work_on(running.services, job)
        except RuntimeError:
            return False
        return _state(running, job).ended_ms is not None

    wait_until(ended, f"the end of {job}", _LIMIT_S)
    state, where = _state(running, job), KINDS[kind][1]
    assert state.status == "stopped"
    assert state.reason == f"gave up after 2 tries at {where}: unexpected RuntimeError"
    assert not running.services.store.jobs.is_active(job)


def test_unit__no_memory__ends_the_job_and_then_the_process(
    running: Imports, job: JobRef, kind: str, fail: Callable[[BaseException], None]
) -> None:
    fail(MemoryError(KEY))
    with pytest.raises(MemoryError):
        work_on(running.services, job)

    state = _state(running, job)
    assert state.status == "stopped"
    assert (state.reason or "").startswith(
        f"a worker process ran out of memory at {KINDS[kind][1]}; give the workers more memory"
    )
    assert not running.services.store.jobs.is_active(job)


def test_unit__terminal_error_of_a_try_that_was_overtaken__does_not_end_the_job(
    running: Imports, job: JobRef, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = running.services.store

    record = store.keyspace.job(job.env, job.kind, job.job_id)

    def lose_the_lease(*_: Any, **__: Any) -> NoReturn:
        store.client.hset(record, f"lease:{KINDS[kind][1].replace(' ', ':')}", "another 0 1")
        raise ImportStopped("too late")

    monkeypatch.setattr(running.services.objects, KINDS[kind][0], lose_the_lease)
    work_on(running.services, job)
    monkeypatch.undo()

    assert _state(running, job).ended_ms is None


@pytest.mark.parametrize("finder", [serve_job, lambda services, _: sweep_jobs(services)])
def test_job__record_unreadable__is_ended_and_its_list_is_free_again(
    running: Imports, job: JobRef, finder: Callable[..., Any]
) -> None:
    store = running.services.store
    ref = store.jobs.request(job).list_ref
    store.client.hset(store.keyspace.job(job.env, job.kind, job.job_id), "request", b'{"a":1}')

    finder(running.services, job)

    assert _raw(running, job, "status") == b"stopped"
    assert b"cannot read" in (_raw(running, job, "reason") or b"")
    assert not store.jobs.is_active(job)
    with pytest.raises(UnreadableRecord):
        _state(running, job)
    tidy_lists(running.services)
    assert store.memberships.state(ref).building is None


def test_import__what_a_stage_left_is_unreadable__stops_with_the_reason(
    running: Imports,
) -> None:
    request: ImportRequest = running.start(running.list_of("a"), CONTENT)
    store, job = running.services.store, request.ref
    while _state(running, job).stage == "plan":
        assert store.jobs.take(job, lease_ms=1, most_tries=9) is not None
        store.jobs.advance(job, "plan", "scatter", 1, ("field:plan", b"[]"))

    state = _work_until_ended(running, job)

    assert state.status == "stopped"
    assert "cannot read plan of import:" in (state.reason or "")
