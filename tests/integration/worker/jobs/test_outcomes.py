"""How imports and exports end is in the audit log, once, in figures and never in keys."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store.stores import PRODUCTION, clock_ms, token
from tests.support.systems.imports import Imports, imports_in_process
from worker.imports.run import ImportWork
from worker.store import ExportRequest, ListRef, admit_export
from worker.store.jobs import WAITING_STAGE
from worker.store.keyspace import EXCLUDED
from worker.tasks.work import work_on

KEY = "ann@example.com"


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in) as imports:
        yield imports


def _recorded(running: Imports, ref: ListRef) -> list[tuple[str, dict[str, Any]]]:
    """What is on record about a list, the oldest first: action and summary."""
    entries = [
        entry.change
        for entry in running.services.store.audit.newest([PRODUCTION])
        if entry.change.resource.endswith(f":segment/{ref.segment}")
    ]
    for change in entries:
        assert KEY not in str(change)
        assert change.actor == "bigseg"
    return [(change.actions[0], dict(change.after or {})) for change in reversed(entries)]


def test_import__complete__is_recorded_once_with_its_figures(running: Imports) -> None:
    ref = running.list_of()
    request = running.start(ref, f"{KEY}\n{KEY}\n\nb\n".encode(), initiator="ada")
    running.finish(request)
    # As a worker does that finds an ended import whose tidying was cut off.
    ImportWork(running.services, request).tidy_up()

    ((action, after),) = _recorded(running, ref)

    assert action == "completeBigSegmentImport"
    assert after == {
        "importId": request.import_id,
        "mode": "merge",
        "source": "list",
        "startedBy": "ada",
        "status": "complete",
        "rowsRead": 4,
        "accepted": 2,
        "duplicates": 1,
        "rejected": 1,
        "rejectedByReason": {"blank": 1},
        "membersBefore": 0,
        "added": 2,
        "removed": 0,
        "unchanged": 0,
        "membersAfter": 2,
    }


def test_import__remove_from_the_excluded_list__is_recorded_as_such(running: Imports) -> None:
    ref = running.list_of()
    running.finish(running.start(ref, b"a\nb\n", "merge", side=EXCLUDED))
    running.finish(running.start(ref, b"b\nc\n", "remove", side=EXCLUDED))

    _, after = _recorded(running, ref)[-1]

    assert (after["mode"], after["target"]) == ("remove", "excluded")
    assert (after["removed"], after["unmatched"], after["membersAfter"]) == (1, 1, 1)


def test_import__stopped__is_recorded_with_the_reason(running: Imports) -> None:
    ref = running.list_of("a")
    request = running.start(ref, b"\n", "replace")
    state = running.finish(request)

    action, after = _recorded(running, ref)[-1]

    assert action == "stopBigSegmentImport"
    assert (after["status"], after["reason"]) == ("stopped", state.reason)


def test_import__held_and_superseded__is_recorded_as_both(running: Imports) -> None:
    ref, store = running.list_of(), running.services.store
    first = running.start(ref, f"{KEY}\n".encode(), waits=True)
    while store.jobs.get(first.ref).stage != WAITING_STAGE:
        work_on(running.services, first.ref)

    second = running.start(ref, b"b\n")
    running.finish(second)
    work_on(running.services, first.ref)

    assert store.jobs.get(second.ref).supersedes == first.import_id
    recorded = {(action, after["importId"]) for action, after in _recorded(running, ref)}
    assert recorded == {
        ("holdBigSegmentImport", first.import_id),
        ("stopBigSegmentImport", first.import_id),
        ("completeBigSegmentImport", second.import_id),
    }


def test_import__after_a_dry_run_whose_build_is_not_freed_yet__supersedes_nothing(
    running: Imports,
) -> None:
    ref, store = running.list_of("a"), running.services.store
    tried = running.start(ref, b"b\n", dry_run=True)
    store.jobs.end(tried.ref, "complete", keep_s=60)

    request = running.start(ref, b"c\n")
    running.finish(request)

    assert store.jobs.get(request.ref).supersedes is None
    assert store.jobs.get(tried.ref).status == "complete"


def test_export__complete__is_recorded_with_its_rows(running: Imports) -> None:
    ref, store = running.list_of(KEY, "b"), running.services.store
    request = ExportRequest(token(), ref, clock_ms())
    admit_export(store, request)
    work_on(running.services, request.ref)

    action, after = _recorded(running, ref)[-1]

    assert action == "completeBigSegmentExport"
    assert (after["rows"], after["format"]) == (2, "csv")
    assert after["sizeBytes"] > 0
