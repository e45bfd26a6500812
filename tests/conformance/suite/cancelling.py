"""Who cancels an import is kept with the list, so that nobody brings the import back."""

import pytest

from tests.support.store.building import assert_list, build, publish
from tests.support.store.stores import clock_ms
from worker.store import (
    Fenced,
    ImportOver,
    ImportRequest,
    ListRef,
    Store,
    admit_import,
    cancel_import,
)
from worker.store.errors import Cancelled
from worker.store.workflows import reclaim_list, why_lost

NEW = {f"new-{n}" for n in range(60)}


def _request(ref: ListRef, import_id: str = "i1") -> ImportRequest:
    return ImportRequest(
        import_id, ref, "merge", sources=(), allow_empty=False, created_ms=clock_ms()
    )


def _admitted(store: Store, ref: ListRef) -> ImportRequest:
    request = _request(ref)
    admit_import(store, request)
    return request


class CancelSuite:
    def test_cancel__running_import__ends_it_once_and_in_the_name_of_the_first(
        self, store: Store, ref: ListRef
    ) -> None:
        request = _admitted(store, ref)
        target = build(store, ref, "i1", NEW)
        store.build_memory.reserve(request.ref, 1_000)

        assert cancel_import(store, request, "ann")
        assert not cancel_import(store, request, "bob")

        state = store.jobs.get(request.ref)
        assert (state.status, state.reason) == ("stopped", "cancelled by ann")
        assert store.build_memory.reserved() == 0
        assert store.memberships.state(ref).building is None
        with pytest.raises(Fenced):
            publish(store, ref, "i1", target)
        assert_list(store, ref, set())
        assert reclaim_list(store, ref) == 17

    def test_cancel__cut_off_before_the_job_has_ended__keeps_the_first_name(
        self, store: Store, ref: ListRef
    ) -> None:
        request = _admitted(store, ref)
        store.builds.cancel(ref, "i1", by="ann")

        assert why_lost(store, request) == "cancelled by ann"
        assert cancel_import(store, request, "bob")

        assert store.jobs.get(request.ref).reason == "cancelled by ann"

    def test_claim__by_a_cancelled_import__is_refused_for_good(
        self, store: Store, ref: ListRef
    ) -> None:
        store.builds.cancel(ref, "i1", by="ann")
        for _ in range(2):
            with pytest.raises(Cancelled, match="cancelled by ann"):
                store.builds.claim(ref, "i1")
        store.builds.claim(ref, "i2")

    def test_cancel__after_the_flip__is_refused(self, store: Store, ref: ListRef) -> None:
        request = _admitted(store, ref)
        publish(store, ref, "i1", build(store, ref, "i1", NEW))

        with pytest.raises(ImportOver, match="revisions publish"):
            cancel_import(store, request, "ann")
        assert store.builds.cancelled_by(ref, "i1") is None
        assert store.jobs.get(request.ref).ended_ms is None
        store.jobs.end(request.ref, "complete", report={}, keep_s=600)
        with pytest.raises(ImportOver, match="is published"):
            cancel_import(store, request, "ann")

        assert_list(store, ref, NEW)

    def test_cancel__stopped_for_another_reason__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        request = _admitted(store, ref)
        store.jobs.end(request.ref, "stopped", reason="the source is gone", keep_s=600)

        with pytest.raises(ImportOver, match="stopped already: the source is gone"):
            cancel_import(store, request, "ann")

    def test_cancel__of_a_deleted_list__leaves_no_trace(self, store: Store, ref: ListRef) -> None:
        request = _admitted(store, ref)
        store.segments.delete(ref.env, ref.segment)
        reclaim_list(store, ref)

        assert cancel_import(store, request, "ann")

        assert not store.client.hgetall(store.keyspace.list_record(ref))
        assert store.jobs.get(request.ref).reason == "cancelled by ann"

    def test_retire__cancelled_long_ago__is_forgotten(self, store: Store, ref: ListRef) -> None:
        store.builds.cancel(ref, "i1", by="ann")
        reclaim_list(store, ref)
        assert store.builds.cancelled_by(ref, "i1") == "ann"
        store.client.hset(store.keyspace.list_record(ref), "cancelled:i1", "1000 ann")
        reclaim_list(store, ref)
        assert store.builds.cancelled_by(ref, "i1") is None
