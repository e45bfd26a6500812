"""An erased key is nowhere in the store or in the bucket, whatever had it, and stays away."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.integration.worker.upkeep.conftest import put_upload
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.store import building
from tests.support.store.stores import PRODUCTION, clock_ms, raw, token
from tests.support.systems.erasures import erase, places_of, run_export, start_erasure, take_turn
from tests.support.systems.imports import Imports, imports_in_process
from worker.options.exports import ExportFormat, ExportOptions
from worker.store import (
    DefinitionChange,
    Edit,
    ErasuresUnderWay,
    JobRef,
    NewSegment,
    StoredFlag,
    TargetSchedule,
    TooManyErasures,
    cancel_import,
    encode_flags,
)
from worker.store.erasures import Touched
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import ScheduleChange, change_schedules
from worker.store.server import Database
from worker.tasks.chores import erase_due
from worker.tasks.work import work_on
from worker.upkeep.erasing import forget_erased_keys
from worker.upkeep.erasing.lists import erase_from_lists

#: It is packed to 17 bytes; one that is stored as text is erased end to end.
KEY: Final = "7d9f3c1e-52a4-4b6d-8f00-9a1b2c3d4e5f"
OTHERS: Final = tuple(f"stays-{n}" for n in range(16))
_LATER_MS: Final = 2**42
_FORMATS: Final[tuple[ExportFormat, ...]] = ("csv", "parquet")


@pytest.fixture(scope="module")
def running(valkey_server: Server, s3_stand_in: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_stand_in, redis_url=valkey_server.url) as imports:
        yield imports


def _file(*keys: str) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


def _standard_segment(running: Imports, key: str, kind: str = "user") -> None:
    store = running.services.store
    segment = store.segments.create(PRODUCTION, NewSegment(f"standard-{token()[:8]}", "s"))
    targeting = {
        "included": [key, "a"] if kind == "user" else ["a"],
        "excluded": [],
        "includedContexts": [{"contextKind": "org", "values": ["b"]}],
        "excludedContexts": [{"contextKind": kind, "values": [key]}],
        "rules": [],
    }
    schedule = TargetSchedule("x", 1, EXCLUDED, kind, key, _LATER_MS)
    text = json.dumps(targeting)
    store.segments.update(segment, DefinitionChange("s", None, (), text, (schedule,)))


def test_erasure__key_is_everywhere__is_found_nowhere_and_comes_back_by_nothing(
    running: Imports,
) -> None:
    key = KEY
    services, store = running.services, running.services.store
    ref, held_ref = running.list_of(key, *OTHERS), running.list_of(key)
    busy_ref = running.list_of()
    running.run(ref, _file(key, *OTHERS[:8]), "replace")
    store.memberships.edit(ref, [Edit("e+", key)])
    schedules = [
        ScheduleChange("add", side, key, _LATER_MS, id=side) for side in (INCLUDED, EXCLUDED)
    ]
    change_schedules(store.database, ref, schedules)
    _standard_segment(running, key)
    exports = {run_export(running, ref, ExportOptions(format=form)) for form in _FORMATS}
    rejected = running.run(ref, _file(*OTHERS, f"{key}\x01"), "merge")
    tried = running.run(ref, _file(*OTHERS[:8]), "replace", dry_run=True)
    held = running.run(held_ref, _file(key, "new"), "replace", waits=True)
    assert key in running.preview(tried).removed
    assert key in running.preview(held).unchanged
    upload = put_upload(running, "complete", content=_file(key), due=False)
    busy = running.start(busy_ref, _file(key, *OTHERS))
    assert len(places_of(running, key)) > 15

    erasure_id = start_erasure(running, key)
    waits = take_turn(running, erasure_id)
    assert (waits.state, waits.waiting) == ("in_progress", (str(busy.ref),))
    assert running.finish(busy).status == "complete"
    receipt = take_turn(running, erasure_id)

    assert receipt.state == "complete"
    assert places_of(running, key) == []
    touched = receipt.touched
    assert {*touched.segments} == {ref.segment, held_ref.segment}
    assert (touched.included, touched.excluded) == (2, 1)
    assert (touched.revisions, touched.schedules, len(touched.targets)) == (2, 2, 2)
    assert {*touched.previews} == {tried.request.ref.job_id, held.request.ref.job_id}
    assert exports <= {*touched.exports}, "with those of other tests: all of the environment go"
    assert touched.rejected_rows == (rejected.request.ref.job_id,)
    assert touched.uploads == (upload.id,)
    assert {busy.import_id, held.request.ref.job_id} == {*touched.imports}

    assert running.approve(store.jobs.get(held.request.ref)).status == "complete"
    assert running.members(held_ref) == {"new"}
    assert running.members(busy_ref) == {*OTHERS}
    assert store.revisions.publish(ref, 1, force=True)
    assert running.members(ref) == {*OTHERS}
    again = running.run(ref, _file(key, OTHERS[0], OTHERS[0]), "replace", allow_shrink=True)
    report = again.report or {}
    assert running.members(ref) == {OTHERS[0]}
    figures = [
        report[name] for name in ("rowsRead", "accepted", "duplicates", "rejected", "erased")
    ]
    assert figures == [3, 1, 1, 0, 1]
    assert places_of(running, key) == []
    running.run(ref, _file(key), "merge", allow_erased=True)
    assert running.members(ref) == {key, OTHERS[0]}
    erase(running, key)
    assert services.store.erasures.get(PRODUCTION, erasure_id) == receipt


def test_erasure__other_kind__leaves_lists_and_files_of_this_one(running: Imports) -> None:
    ref = running.list_of("k", "l")
    export_id = run_export(running, ref, ExportOptions())
    receipt = erase(running, "k", "device")
    assert running.members(ref) == {"k", "l"}
    assert (receipt.touched.included, receipt.touched.exports) == (0, ())
    listed = running.services.store.export_files.listed(PRODUCTION)
    assert export_id in [each.job_id for each in listed]
    assert (running.run(ref, _file("k"), "replace").report or {})["accepted"] == 1


def test_erasure__import_is_cancelled_between_the_steps__its_build_is_cleared_first(
    running: Imports,
) -> None:
    ref = running.list_of()
    held = running.run(ref, _file("k-cancelled", "l"), waits=True)
    busy = running.start(running.list_of(), _file("m"))
    erasure_id = start_erasure(running, "k-cancelled")
    take_turn(running, erasure_id)
    for job in (held.request, busy):
        cancel_import(running.services.store, job, "ann")  # type: ignore[arg-type]  # an import's
        work_on(running.services, job.ref)
    assert take_turn(running, erasure_id).state == "complete"
    assert places_of(running, "k-cancelled") == []


class _KilledError(BaseException):
    """What nothing catches: the process is gone."""


def _kill_after(patch: pytest.MonkeyPatch, calls: int) -> None:
    """Have the process die when a script has run for the so manieth time, before its reply."""
    left, whole = itertools.count(calls, -1), Database.run

    def run(*arguments: Any, **named: Any) -> Any:
        reply = whole(*arguments, **named)
        if next(left) == 1:
            raise _KilledError
        return reply

    patch.setattr(Database, "run", run)


def test_erasure__process_dies_after_any_step__the_next_one_gives_the_same_receipt(
    running: Imports,
) -> None:
    key, store, died = "k-killed", running.services.store, True
    for calls in itertools.count(1):
        kind = f"kind-{calls}"
        new = NewSegment(f"killed-{calls}", "s", unbounded=True, context_kind=kind)
        ref = store.segments.create(PRODUCTION, new).ref
        building.replace(store, ref, "i1", {key, "l"})
        building.replace(store, ref, "i2", {key})
        _standard_segment(running, key, kind)
        erasure_id = start_erasure(running, key, kind)
        with pytest.MonkeyPatch.context() as patch:
            _kill_after(patch, calls)
            try:
                erase_due(running.services)
                died = False
            except _KilledError:
                died = True
        receipt = take_turn(running, erasure_id)
        touched = receipt.touched
        assert receipt.state == "complete"
        assert touched.segments == (ref.segment,)
        assert (touched.included, touched.revisions, len(touched.targets)) == (1, 1, 1), calls
        assert store.revisions.publish(ref, 1)
        assert running.members(ref) == {"l"}
        if not died:
            break
    assert calls > 5
    assert places_of(running, key) == []


def test_erasure__upload_is_taken_by_a_request__waits_until_it_has_died(running: Imports) -> None:
    uploads = running.services.store.uploads
    upload = put_upload(running, "complete", content=_file("k-taken"), due=False)
    taken = replace(upload, state="taken", import_id=token(), taken_ms=clock_ms())
    assert uploads.replace(PRODUCTION, upload, taken)
    erasure_id = start_erasure(running, "k-taken")
    taker = str(JobRef("import", PRODUCTION, taken.import_id))
    for _ in range(2):
        assert take_turn(running, erasure_id).waiting == (taker,)
    assert uploads.replace(PRODUCTION, taken, replace(taken, taken_ms=0))
    receipt = take_turn(running, erasure_id)
    assert (receipt.state, receipt.touched.uploads) == ("complete", (upload.id,))
    assert places_of(running, "k-taken") == []


def test_erasure__edit_lifts_the_hash_and_is_undone__old_files_stay_without_the_key(
    running: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, ref = running.services.store, running.list_of("l")
    erasure_id = start_erasure(running, "k-again")

    def erase_after_an_edit(*arguments: Any) -> Touched:
        store.erased_keys.lift(PRODUCTION, "user", ["k-again"])
        store.memberships.edit(ref, [Edit("i+", "k-again")])
        return erase_from_lists(*arguments)

    monkeypatch.setattr("worker.upkeep.erasing.run.erase_from_lists", erase_after_an_edit)
    assert take_turn(running, erasure_id).state == "complete"
    assert (running.run(ref, _file("k-again")).report or {})["erased"] == 1
    assert running.members(ref) == {"l"}


def test_erasure__environment_has_the_most_keys__refuses_more_and_completes_the_last(
    running: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(running, "k-known")
    erased = running.services.store.keyspace.erased(PRODUCTION)
    most = raw(running.services.store).hlen(erased)  # one field is the salt
    monkeypatch.setattr("worker.store.erasures.erased_keys.MOST_ERASED", most)
    erasure_id = start_erasure(running, "k-last")
    assert take_turn(running, erasure_id).state == "complete"
    with pytest.raises(TooManyErasures, match="takes no more"):
        start_erasure(running, "k-more")
    erase(running, "k-known")
    monkeypatch.undo()
    monkeypatch.setattr("worker.store.erasures.erasure_store.MOST_ERASURES", 0)
    with pytest.raises(ErasuresUnderWay, match="under way"):
        start_erasure(running, "k-more")
    assert raw(running.services.store).hlen(erased) == most + 1


def test_erased_key__older_than_is_kept__may_come_back_and_makes_room(running: Imports) -> None:
    services, ref = running.services, running.list_of("l")
    store = services.store
    for key in ("k-old", "k-new"):
        erase(running, key)
    assert forget_erased_keys(services) == 0, "by default they are kept for good"
    digest = store.erased_keys.digest(PRODUCTION, "user", "k-old")
    store.erased_keys.add(PRODUCTION, "user", digest, clock_ms() - 3_600_000)
    limited = services.settings.model_copy(update={"erased_keys_s": 1_800})
    assert forget_erased_keys(replace(services, settings=limited)) == 1
    assert (running.run(ref, _file("k-old", "k-new")).report or {})["erased"] == 1
    assert running.members(ref) == {"l", "k-old"}


def test_erase_due__takes_long__leaves_the_others_to_the_next_call(running: Imports) -> None:
    store = running.services.store
    ids = [start_erasure(running, key) for key in ("k-first", "k-second")]
    slow = replace(running.services, clock_ms=itertools.count(clock_ms(), 10_000).__next__)
    completed = []
    for _ in ids:
        assert erase_due(slow) == 1
        states = [store.erasures.get(PRODUCTION, each).state for each in ids]
        completed.append(states.count("complete"))
    assert completed == [1, 2]


def test_erasure__flags_name_the_key__names_them_and_leaves_them(running: Imports) -> None:
    store, key = running.services.store, 'k-"ü"'
    clause = {"attribute": "email", "op": "in", "values": ["a", key]}
    flags = {
        "targeting": {"targets": [{"variation": 0, "values": [key]}]},
        "of-a-rule": {"rules": [{"variation": 0, "clauses": [clause]}]},
        "salted": {"salt": key, "rules": [], "targets": None},
        "other": {"contextTargets": [{"contextKind": "org", "variation": 0, "values": ["k"]}]},
    }
    document = encode_flags(
        StoredFlag(name, 1, json.dumps(flag).encode()[1:]) for name, flag in flags.items()
    )
    state = store.flag_data.replace(PRODUCTION, None, document, flags=len(flags))
    receipt = take_turn(running, start_erasure(running, key))
    assert (receipt.state, receipt.flags) == ("complete", ("of-a-rule", "targeting"))
    assert store.flag_data.read(PRODUCTION, state) == document


def test_lift__key_is_added_by_hand__an_import_may_have_it(running: Imports) -> None:
    store, ref = running.services.store, running.list_of("k-back", "l")
    erase(running, "k-back")
    assert (running.run(ref, _file("k-back")).report or {})["erased"] == 1
    store.erased_keys.lift(PRODUCTION, "user", ["k-back", "never"])
    assert "erased" not in (running.run(ref, _file("k-back")).report or {})
    assert running.members(ref) == {"k-back", "l"}
