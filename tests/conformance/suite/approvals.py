"""A build that waits is published only after its approval, and follows the edits until then."""

import dataclasses
from typing import Any, get_args

import pytest

from tests.support.store.building import (
    assert_list,
    build,
    publish,
    replace,
    run,
    seal_and_count,
    write_side,
)
from tests.support.store.stores import PRODUCTION, raw
from worker.store import (
    Edit,
    Fenced,
    ImportInProgress,
    ImportNotWaiting,
    ImportRequest,
    JobRef,
    ListRef,
    Store,
    Superseded,
    Unapproved,
    admit_import,
    approve_import,
    require_approvable,
)
from worker.store.jobs.stage_state import COUNTED, BuildCount
from worker.store.jobs.units import Unit
from worker.store.keyspace import INCLUDED, BuilderKind
from worker.store.lists import Expected, Held, Published, Revision
from worker.store.workflows import reclaim_list, why_lost

NEW = {f"new-{n}" for n in range(300)}
DRAFT: dict[str, Any] = {"rowsRead": 300, "added": 300, "removed": 0, "unchanged": 0}
TARGET = Revision("none", 4, 0)


def _edit(store: Store, ref: ListRef, *ops: str) -> None:
    """Edit; each op is written ``i+key``."""
    store.memberships.edit(ref, [Edit(op[:2], op[2:]) for op in ops])  # type: ignore[arg-type]  # the literals are in the tests


def _built(store: Store, ref: ListRef, import_id: str = "i1") -> Revision:
    """Claim and write a build that waits."""
    store.builds.claim(ref, import_id, waits=True)
    return build(store, ref, import_id, NEW)


def _hold(store: Store, ref: ListRef, target: Revision = TARGET, import_id: str = "i1") -> Held:
    """Replay one step of edits; the target is needed to count it the first time."""
    sealed = store.builds.seal(ref, import_id)
    counts = sealed.counts or seal_and_count(store, ref, import_id, target)[1]
    held = store.builds.hold(ref, import_id, counts=counts, seal=sealed.number)
    assert held is not None
    return held


def _approve(store: Store, ref: ListRef, import_id: str = "i1") -> bytes:
    reply: bytes = run(store, "list/approve", ref, import_id)
    return reply


def _request(ref: ListRef, import_id: str = "i1", *, waits: bool = True) -> ImportRequest:
    return ImportRequest(
        import_id, ref, "replace", (), allow_empty=False, created_ms=5, waits=waits
    )


def _admitted(store: Store, ref: ListRef, import_id: str = "i1") -> JobRef:
    """Admit an import that waits, build it and hold it, as a worker would."""
    request = _request(ref, import_id)
    admit_import(store, request)
    unit = store.jobs.take(request.ref, lease_ms=60_000, most_tries=3)
    assert isinstance(unit, Unit)
    held = _hold(store, ref, build(store, ref, import_id, NEW), import_id)
    store.jobs.write(request.ref, COUNTED, BuildCount(300, 0, 1, DRAFT))
    assert store.jobs.hold(request.ref, "plan", held.edited_included)
    return request.ref


class ApprovalSuite:
    def test_publish__not_approved__is_refused_until_it_is(
        self, store: Store, ref: ListRef
    ) -> None:
        target = _built(store, ref)
        state = store.memberships.state(ref)
        assert (state.building, state.unapproved) == ("i1", True)
        with pytest.raises(Unapproved):
            publish(store, ref, "i1", target)
        assert _hold(store, ref, target) == Held(
            more=False, journal=0, edited_included=0, edited_excluded=0
        )
        with pytest.raises(Unapproved):
            publish(store, ref, "i1", target)
        assert_list(store, ref, set())
        assert _approve(store, ref) == b"ok"
        assert not store.memberships.state(ref).unapproved
        published = publish(store, ref, "i1", target)
        assert published == Published(300, 0, 0, 0, published.version)
        assert_list(store, ref, NEW)
        assert not store.memberships.state(ref).unapproved

    def test_hold__not_asked_to_wait__needs_an_approval_from_then_on(
        self, store: Store, ref: ListRef
    ) -> None:
        store.builds.claim(ref, "i1")
        target = build(store, ref, "i1", NEW)
        assert not store.memberships.state(ref).unapproved
        _hold(store, ref, target)
        assert store.memberships.state(ref).unapproved
        with pytest.raises(Unapproved):
            publish(store, ref, "i1", target)
        assert _approve(store, ref) == b"ok"
        assert store.builds.hold(ref, "i1", counts=(0, 0), seal=0) is None
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW)

    def test_dry_run__built_and_counted__is_neither_approved_nor_published(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+live")
        store.builds.claim(ref, "i1", dry_run=True)
        target = build(store, ref, "i1", NEW)
        for _ in range(2):
            with pytest.raises(Unapproved):
                publish(store, ref, "i1", target)
            assert _approve(store, ref) == b"unasked"
            _hold(store, ref, target)
        _edit(store, ref, "i+edit")
        assert store.builds.claim(ref, "i2", supersedes=True).superseded == "i1"
        assert_list(store, ref, {"live", "edit"})

    def test_admit__dry_run__supersedes_nothing_and_cannot_be_approved(
        self, store: Store, ref: ListRef
    ) -> None:
        older, tried = _admitted(store, ref), dataclasses.replace(_request(ref, "i2"), dry_run=True)
        with pytest.raises(ImportInProgress):
            admit_import(store, tried)
        assert store.jobs.get(older).status == "pending_approval"
        store.builds.cancel(ref, "i1")
        admit_import(store, dataclasses.replace(tried, import_id="i3"))
        with pytest.raises(ImportNotWaiting, match="it is a dry run"):
            approve_import(store, ref, "i3")

    def test_approve__at_each_moment__answers_what_is(self, store: Store, ref: ListRef) -> None:
        assert _approve(store, ref) == b"lost"
        store.builds.claim(ref, "i0")
        assert _approve(store, ref, "i0") == b"unasked"
        store.builds.cancel(ref, "i0")
        target = _built(store, ref)
        assert _approve(store, ref) == b"unbuilt"
        assert _approve(store, ref, "i2") == b"lost"
        store.builds.seal(ref, "i1")
        assert _approve(store, ref) == b"unbuilt"
        _hold(store, ref, target)
        assert [_approve(store, ref) for _ in range(2)] == [b"ok", b"ok"]
        publish(store, ref, "i1", target)
        assert _approve(store, ref) == b"done"

    def test_hold__edits_before_and_while_it_waits__are_replayed_and_dropped(
        self, store: Store, ref: ListRef
    ) -> None:
        target = _built(store, ref)
        _edit(store, ref, "i+early", "i-new-1", "e+out")
        assert store.builds.journal_ops(ref) == 3
        held = _hold(store, ref, target)
        assert held == Held(more=False, journal=0, edited_included=0, edited_excluded=1)
        _edit(store, ref, "i-new-2", "i-new-3")
        _edit(store, ref, "i-stranger", "i+early")
        assert store.builds.journal_ops(ref) == 4
        assert _hold(store, ref).edited_included == -2
        assert _hold(store, ref).edited_included == -2
        assert raw(store).xlen(store.keyspace.edits(ref)) == store.builds.journal_ops(ref) == 0
        assert store.builds.expected_counts(ref) == Expected((298, 1), untouched=False)
        _edit(store, ref, "i+late")
        _approve(store, ref)
        _edit(store, ref, "i+later")
        assert store.builds.hold(ref, "i1", counts=(0, 0), seal=0) is None
        published = publish(store, ref, "i1", target)
        assert published == Published(300, 1, 0, 1, published.version)
        assert_list(
            store, ref, (NEW | {"early", "late", "later"}) - {"new-1", "new-2", "new-3"}, {"out"}
        )

    def test_hold__long_journal__goes_in_steps(self, store: Store, ref: ListRef) -> None:
        target = _built(store, ref)
        keys = [f"edit-{n}" for n in range(450)]
        for start in range(0, len(keys), 100):
            _edit(store, ref, *(f"i+{key}" for key in keys[start : start + 100]))
        first = _hold(store, ref, target)
        assert (first.more, first.journal, first.edited_included) == (True, 350, 100)
        assert raw(store).xlen(store.keyspace.edits(ref)) == 7, "an entry holds 50 edits"
        assert [_hold(store, ref).journal for _ in range(3)] == [250, 150, 50]
        assert _hold(store, ref) == Held(
            more=False, journal=0, edited_included=450, edited_excluded=0
        )
        _approve(store, ref)
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW | set(keys))

    def test_claim__over_one_that_waits__takes_its_place_for_good(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+live")
        target = _built(store, ref)
        _hold(store, ref, target)
        for kind in get_args(BuilderKind):
            with pytest.raises(ImportInProgress, match="i1"):
                store.builds.claim(ref, "i2", kind=kind)
        with pytest.raises(ImportInProgress, match="i1"):
            store.builds.claim(ref, "r1", supersedes=True, kind="reshard")
        assert store.builds.claim(ref, "i2", supersedes=True).superseded == "i1"
        assert store.builds.claim(ref, "i2", supersedes=True).superseded is None
        assert store.builds.superseded_by(ref, "i1") == "i2"
        assert not store.memberships.state(ref).unapproved
        assert _approve(store, ref) == b"lost"
        with pytest.raises(Fenced):
            publish(store, ref, "i1", target)
        with pytest.raises(Fenced):
            store.builds.hold(ref, "i1", counts=(300, 0), seal=1)
        replace(store, ref, "i2", ["a"])
        for _ in range(2):
            with pytest.raises(Superseded, match="by import i2"):
                store.builds.claim(ref, "i1", waits=True, supersedes=True)
            reclaim_list(store, ref)
        assert not raw(store).exists(store.keyspace.shard(ref, target.name, INCLUDED, 0))
        assert_list(store, ref, {"a"})

    def test_claim__over_one_still_building__takes_its_place(
        self, store: Store, ref: ListRef
    ) -> None:
        _built(store, ref)
        claim = store.builds.claim(ref, "i2", waits=True, supersedes=True)
        assert claim.superseded == "i1"
        with pytest.raises(Exception, match="FENCED"):
            write_side(store, ref, "i1", INCLUDED, NEW, 4)
        _edit(store, ref, "i+live")
        assert store.memberships.state(ref).unapproved
        assert store.builds.claim(ref, "i3", supersedes=True).superseded == "i2"

    def test_claim__over_one_approved__is_busy(self, store: Store, ref: ListRef) -> None:
        target = _built(store, ref)
        _hold(store, ref, target)
        _approve(store, ref)
        with pytest.raises(ImportInProgress):
            store.builds.claim(ref, "i2", supersedes=True)
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW)

    def test_cancel__only_if_unapproved__leaves_an_approved_one(
        self, store: Store, ref: ListRef
    ) -> None:
        target = _built(store, ref)
        _hold(store, ref, target)
        _approve(store, ref)
        assert store.builds.cancel(ref, "i1", unapproved=True)
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW)
        _hold(store, ref, _built(store, ref, "i2"), "i2")
        assert not store.builds.cancel(ref, "i2", unapproved=True)
        assert store.memberships.state(ref).building is None
        assert not store.client.hexists(store.keyspace.list_record(ref), "approval")
        assert_list(store, ref, NEW)

    def test_unseal__while_it_waits__is_fenced_and_afterwards_only_if_untouched(
        self, store: Store, ref: ListRef
    ) -> None:
        target = _built(store, ref)
        _hold(store, ref, target)
        with pytest.raises(Fenced):
            store.builds.unseal(ref, "i1")
        _approve(store, ref)
        assert store.builds.expected_counts(ref) == Expected((300, 0), untouched=True)
        store.builds.unseal(ref, "i1")
        assert store.builds.expected_counts(ref) is None
        write_side(store, ref, "i1", INCLUDED, NEW, 4)
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW)
        target = _built(store, ref, "i2")
        _edit(store, ref, "i+edit")
        _hold(store, ref, target, "i2")
        _approve(store, ref, "i2")
        with pytest.raises(Fenced):
            store.builds.unseal(ref, "i2")

    def test_delete__while_it_waits__ends_the_wait(self, store: Store, ref: ListRef) -> None:
        target = _built(store, ref)
        _hold(store, ref, target)
        assert store.segments.delete(PRODUCTION, ref.segment)[1] == "i1"
        assert _approve(store, ref) == b"lost"
        with pytest.raises(Fenced):
            store.builds.hold(ref, "i1", counts=(300, 0), seal=1)
        assert why_lost(store, _request(ref)) == "segment deleted"

    def test_retire__superseded_long_ago__is_forgotten(self, store: Store, ref: ListRef) -> None:
        store.builds.claim(ref, "i1", waits=True)
        store.builds.claim(ref, "i2", supersedes=True)
        run(store, "list/retire", ref)
        assert why_lost(store, _request(ref)) == "superseded by import i2"
        store.client.hset(store.keyspace.list_record(ref), "superseded:i1", "1000 i2")
        run(store, "list/retire", ref)
        assert store.builds.superseded_by(ref, "i1") is None

    def test_job__held__has_nothing_to_do_until_it_is_approved(
        self, store: Store, ref: ListRef
    ) -> None:
        job = _admitted(store, ref)
        state = store.jobs.get(job)
        assert (state.status, state.progress.stage) == ("pending_approval", "approval")
        after = {"membersAfter": 300, "editedWhileImporting": 0}
        assert state.report == DRAFT | after
        store.jobs.note_edited(job, -4)
        after = {"membersAfter": 296, "editedWhileImporting": -4}
        assert store.jobs.get(job).report == DRAFT | after
        assert store.jobs.take(job, lease_ms=60_000, most_tries=3) is None
        assert require_approvable(store, ref, "i1") == job
        assert store.jobs.get(job).status == "pending_approval"
        assert [approve_import(store, ref, "i1") for _ in range(2)] == [job, job]
        state = store.jobs.get(job)
        assert (state.status, state.report) == ("in_progress", None)
        unit = store.jobs.take(job, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        assert (unit.stage, unit.attempt) == ("publish", 1)
        store.jobs.resume(job)
        assert store.jobs.take(job, lease_ms=60_000, most_tries=3) is None, "it has gone on"

    def test_approve__import_that_does_not_wait__says_why(self, store: Store, ref: ListRef) -> None:
        def assert_refused(import_id: str, why: str, at: ListRef = ref) -> None:
            with pytest.raises(ImportNotWaiting, match=why):
                approve_import(store, at, import_id)

        assert_refused("i1", "i1 does not exist")
        admit_import(store, _request(ref, "i0", waits=False))
        assert_refused("i0", "not asked to")
        store.builds.cancel(ref, "i0")
        admit_import(store, _request(ref))
        assert store.jobs.get(_request(ref).ref).status == "preparing"
        assert_refused("i1", "not built yet")
        assert_refused("i1", "has no import i1", dataclasses.replace(ref, segment="other"))
        assert_refused("i1", "has no import i1", dataclasses.replace(ref, generation=9))
        job = _admitted(store, ref, "i2")
        assert_refused("i1", "it is stopped, superseded by import i2")
        store.builds.cancel(ref, "i2")
        assert_refused("i2", "any more")
        store.jobs.end(job, "complete", keep_s=60)
        assert_refused("i2", "it is complete")

    def test_admit__over_one_that_waits__ends_it_and_gives_its_memory_back(
        self, store: Store, ref: ListRef
    ) -> None:
        older = _admitted(store, ref)
        store.client.hset(store.keyspace.reservations(), str(older), 5)
        with pytest.raises(ImportInProgress):
            admit_import(store, _request(ref, "i2"), supersedes=False)
        assert store.jobs.get(older).status == "pending_approval"
        assert admit_import(store, _request(ref, "i3")) == older
        state = store.jobs.get(older)
        assert (state.status, state.reason) == ("stopped", "superseded by import i3")
        assert store.client.hgetall(store.keyspace.reservations()) == {}
        assert store.jobs.is_active(older), "until its files are deleted"
