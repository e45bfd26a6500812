"""Whatever dies between two steps, an object of the inbox is imported once and then moved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from tests.support.servers.redis import wait_until
from tests.support.store.stores import PRODUCTION
from tests.support.systems.inbox import InboxWorld
from worker.objects import ObjectAccessDenied, ObjectStore
from worker.store.audit.log import AuditStore
from worker.store.jobs.inbox import InboxStore
from worker.store.jobs.job_store import JobStore
from worker.store.lists import BuildStore
from worker.tasks.work import serve_job
from worker.upkeep.sweep import sweep_jobs

HERE: Final = "default/production"
#: The steps on the way of an object, each named by what does it.
STEPS: Final[tuple[tuple[type[Any], str], ...]] = (
    (InboxStore, "note_started"),
    (JobStore, "create"),
    (BuildStore, "claim"),
    (JobStore, "advance"),
    (AuditStore, "append_outcome"),
    (JobStore, "end"),
    (ObjectStore, "copy"),
    (ObjectStore, "delete_state"),
    (InboxStore, "note"),
    (JobStore, "forget"),
)


class Killed(BaseException):
    """The process ends here."""


def _kill_once(
    monkeypatch: pytest.MonkeyPatch, owner: type[Any], name: str, *, after: bool
) -> list[str]:
    """Have the process die right before a step, or after it; gives what has died."""
    step: Callable[..., Any] = getattr(owner, name)
    killed: list[str] = []

    def die(*arguments: Any, **options: Any) -> Any:
        if killed:
            return step(*arguments, **options)
        if after:
            step(*arguments, **options)
        killed.append(name)
        raise Killed

    monkeypatch.setattr(owner, name, die)
    return killed


def _go_on(world: InboxWorld) -> None:
    """What upkeep, the sweep and a worker do again and again; each may die."""
    for act in (world.look, lambda: sweep_jobs(world.services), lambda: _serve(world)):
        try:
            act()
        except Killed:
            continue


def _serve(world: InboxWorld) -> None:
    for ref in world.services.store.jobs.active(PRODUCTION):
        serve_job(world.services, ref)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_process__killed_at_a_step__object_is_imported_once_and_moved(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch, owner: type[Any], name: str, *, after: bool
) -> None:
    key = f"killed-{name.replace('_', '-')}-{after}".lower()
    ref = world.new_list(key)
    obj = world.put(f"{HERE}/{key}/replace/a.csv", b"ann\n")
    published: list[str] = []
    end = JobStore.end

    def count(jobs: JobStore, job: Any, status: str, **options: Any) -> bool:
        ended = end(jobs, job, status, **options)
        if ended:
            published.append(status)
        return ended

    monkeypatch.setattr(JobStore, "end", count)
    killed = _kill_once(monkeypatch, owner, name, after=after)

    def is_over() -> bool:
        _go_on(world)
        return not world.keys("inbox/") and not world.services.store.jobs.active(PRODUCTION)

    wait_until(is_over, "all is mended")
    assert killed == [name]
    assert published == ["complete"]
    assert world.imports.members(ref) == {"ann"}
    assert world.keys("inbox/") == []
    (kept,) = world.keys("inbox-done/")
    assert obj.import_id in kept
    assert world.keys("inbox-failed/") == []
    entries = [one.change for one in world.services.store.audit.newest([PRODUCTION])]
    mine = [one for one in entries if (one.after or {}).get("importId") == obj.import_id]
    assert len(mine) == 2


def test_objects__seen_by_several_beats_at_once__are_each_imported_once(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = [world.new_list(f"several-{number}") for number in range(6)]
    for number in range(6):
        world.put(f"{HERE}/several-{number}/merge/a.csv", b"ann\n")
    created: list[str] = []
    create = JobStore.create

    def count(jobs: JobStore, request: Any, **options: Any) -> bool:
        is_new = create(jobs, request, **options)
        if is_new:
            created.append(request.import_id)
        return is_new

    monkeypatch.setattr(JobStore, "create", count)
    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(world.look) for _ in range(8)]:
            future.result()
    assert len(created) == len(set(created)) == 6
    world.work()
    assert len(created) == 6
    assert all(world.imports.members(ref) == {"ann"} for ref in refs)
    assert len(world.keys("inbox-done/")) == 6


def test_look__that_comes_after_all_is_over__starts_nothing_again(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat that stood still between its listing and its start."""
    ref = world.new_list("stale")
    obj = world.put(f"{HERE}/stale/merge/a.csv", b"ann\n")
    taken = InboxStore.taken

    def stand_still(*arguments: Any) -> set[str]:
        monkeypatch.setattr(InboxStore, "taken", taken)
        found = taken(*arguments)
        world.work()
        return found

    monkeypatch.setattr(InboxStore, "taken", stand_still)
    assert world.look() == 0
    assert world.state(obj).status == "complete"
    assert world.imports.members(ref) == {"ann"}
    assert len(world.keys("inbox-done/")) == 1


def test_object__that_may_not_be_deleted__is_imported_once_and_moved_when_it_may(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ref = world.new_list("denied")
    world.put(f"{HERE}/denied/merge/a.csv", b"ann\n")

    def deny(*_: object) -> None:
        raise ObjectAccessDenied("cannot delete it: allow s3:DeleteObject")

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "delete_state", deny)
        for _ in range(6):
            _go_on(world)
    assert "inbox.unsettled" in [one.message for one in caplog.records]
    assert world.imports.members(ref) == {"ann"}
    assert world.keys("inbox/") == [f"{HERE}/denied/merge/a.csv"]

    world.work()
    assert world.keys("inbox/") == []
    assert len(world.keys("inbox-done/")) == 1
