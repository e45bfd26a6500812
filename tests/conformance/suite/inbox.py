"""What is known of the inbox; and the records of jobs, which are written once."""

import pytest

from tests.support.store.stores import PRODUCTION, keys_of
from worker.store import (
    ImportInProgress,
    ImportRequest,
    JobNotFound,
    ListRef,
    SourceFile,
    Store,
    admit_import,
)
from worker.store.jobs import InboxScan
from worker.store.jobs.inbox import MOST_HINTS
from worker.store.jobs.units import Unit

SOURCE = SourceFile("bucket", "inbox/a.csv", "a.csv", uploaded=False, size_bytes=3, etag="e")


def _request(ref: ListRef, import_id: str = "i1") -> ImportRequest:
    return ImportRequest(
        import_id, ref, "merge", (SOURCE,), allow_empty=False, created_ms=5, inbox_ms=3
    )


class InboxSuite:
    def test_notes__taken__are_there_once_and_bounded(self, store: Store) -> None:
        store.inbox.note(["inbox/b/", "inbox/a/"])
        store.inbox.note(["inbox/a/"])
        assert store.inbox.take_noted() == ["inbox/a/", "inbox/b/"]
        assert store.inbox.take_noted() == []
        store.inbox.note([f"inbox/{number}/" for number in range(MOST_HINTS + 10)])
        store.inbox.note(["inbox/one more/"])
        assert len(store.inbox.take_noted()) == MOST_HINTS

    def test_scan__kept__is_what_is_read(self, store: Store) -> None:
        assert store.inbox.scan() == InboxScan()
        scan = InboxScan("inbox/\N{SNOWMAN}", 3, 4)
        store.inbox.put_scan(scan)
        assert store.inbox.scan() == scan

    def test_newest_started__of_each_mode__never_falls(self, store: Store, ref: ListRef) -> None:
        assert store.inbox.newest_started(ref) == {}
        now_ms = 1_800_000_000_123
        store.inbox.note_started(ref, "merge", now_ms)
        store.inbox.note_started(ref, "merge", now_ms - 5)
        store.inbox.note_started(ref, "replace", 7)
        assert store.inbox.newest_started(ref) == {"merge": now_ms, "replace": 7}

    def test_taken__imports_and_settled_objects__are_told_from_others(
        self, store: Store, ref: ListRef
    ) -> None:
        admit_import(store, _request(ref))
        store.jobs.create(_request(ref, "i2"), stage="claim", units=0)
        store.inbox.settle("i3")
        ids = dict.fromkeys(["i1", "i2", "i3", "i4"], PRODUCTION) | {"i5": None}
        assert store.inbox.taken(ids) == {"i1", "i3"}, "i2 was cut off before its claim"
        store.jobs.end(_request(ref, "i2").ref, "stopped", keep_s=60)
        assert store.inbox.taken(ids) == {"i1", "i2", "i3"}

    def test_admission__again_with_the_same_id__changes_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        request = _request(ref)
        admit_import(store, request)
        unit = store.jobs.take(request.ref, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        assert not store.jobs.create(request, stage="claim", units=0)
        admit_import(store, request)
        assert store.jobs.get(request.ref).stage == "plan"
        assert store.jobs.take(request.ref, lease_ms=60_000, most_tries=3) is None

    def test_admission__of_an_object_while_the_list_is_held__leaves_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        admit_import(store, _request(ref, "holder"))
        before = keys_of(store)
        with pytest.raises(ImportInProgress):
            admit_import(store, _request(ref))
        assert keys_of(store) == before
        with pytest.raises(JobNotFound):
            store.jobs.get(_request(ref).ref)
        assert store.jobs.active(PRODUCTION) == [_request(ref, "holder").ref]

    def test_discard__of_an_import_that_has_begun__does_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        request = _request(ref)
        admit_import(store, request)
        store.jobs.discard(request.ref)
        assert store.jobs.get(request.ref).stage == "plan"
        assert store.jobs.is_active(request.ref)
