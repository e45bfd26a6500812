"""Jobs are listed for their list and environment, and so are the files that they leave."""

import dataclasses

from tests.support.store.jobs import import_request, new_job
from tests.support.store.stores import PRODUCTION
from worker.options.exports import ExportOptions
from worker.store import (
    ExportRequest,
    ListRef,
    Preview,
    Store,
    admit_export,
    cancel_export,
)
from worker.store.jobs import FileFigures, ImportFile, RejectedFileRef
from worker.store.jobs.job_index import MOST_OF_ENVIRONMENT
from worker.store.jobs.stage_state import PREVIEW
from worker.store.workflows import reclaim_list, remove_segment


class JobListSuite:
    def test_index__imports_of_a_list__are_listed_newest_first_and_bounded(
        self, store: Store, ref: ListRef
    ) -> None:
        requests = [
            dataclasses.replace(import_request(ref, f"i{at}"), created_ms=at) for at in range(103)
        ]
        for request in (*requests, requests[50]):
            store.jobs.create(request, stage="plan", units=1)
            store.imports.add(request)
        gone = requests[60].ref
        store.client.unlink(store.keyspace.job(gone.env, gone.kind, gone.job_id))
        kept = [request.ref for request in reversed(requests[3:]) if request.ref != gone]
        assert store.imports.newest(ref) == kept
        assert [state.request.ref for state in store.jobs.get_all([gone, *kept[:40]])] == kept[:40]
        store.jobs.write(kept[0], PREVIEW, Preview(added=("a",)))
        store.imports.forget(ref)
        assert store.imports.newest(ref) == []
        assert store.jobs.read(kept[0], PREVIEW) is None, "it holds keys of the list"
        assert store.jobs.get(kept[0]).request.ref == kept[0]

    def test_index__imports_of_an_environment__are_of_all_lists_and_bounded(
        self, store: Store, ref: ListRef
    ) -> None:
        other = dataclasses.replace(ref, segment="other")
        requests = [
            dataclasses.replace(
                import_request(ref, f"i{at:04}"),
                created_ms=1_000 + at // 2,
                list_ref=ref if at % 2 else other,
            )
            for at in range(4)
        ]
        index = store.keyspace.environment_imports(PRODUCTION)
        store.client.zadd(index, {f"expired-{at}": at for at in range(MOST_OF_ENVIRONMENT)})
        for request in requests:
            store.jobs.create(request, stage="plan", units=1)
            store.imports.add(request)
        store.jobs.end(requests[-1].ref, "stopped", reason="why", keep_s=60)
        assert len(store.client.zrange(index, 0, -1, withscores=True)) == MOST_OF_ENVIRONMENT

        found = store.imports.overviews(PRODUCTION)

        assert [overview.request for overview in found] == requests[::-1]
        assert [overview.status for overview in found] == ["stopped", "ready", "ready", "ready"]
        last_ms = requests[-1].created_ms
        assert store.imports.overviews(PRODUCTION, after_ms=last_ms - 1) == found[:2]
        assert store.imports.overviews(PRODUCTION, before_ms=last_ms) == found[2:]
        assert store.imports.overviews(other) == found[1::2]
        store.imports.forget(PRODUCTION)
        assert store.imports.overviews(PRODUCTION) == []

    def test_files__of_an_import__are_read_in_pages_and_go_with_it(
        self, store: Store, ref: ListRef
    ) -> None:
        job, kept = new_job(store, ref), store.import_files
        files = [ImportFile("b", f"lists/{n}", f"{n}.csv", n, '"e"') for n in range(600)]
        figures = [FileFigures(n, n // 2, "csv") for n in range(600)]
        kept.write_files(job, "other try", files[:9])
        kept.write_files(job, "t", files)
        assert kept.read_page(job, "t", 255, 257) == [(files[255], None), (files[256], None)]
        kept.write_chunk(job, 1, figures[:2])
        kept.write_figures(job, figures)
        assert kept.read_chunks(job, [0, 1]) == {1: (figures[0], figures[1])}
        assert kept.read_page(job, "t", 500, 700) == [*zip(files[500:], figures[500:], strict=True)]
        assert kept.read_page(job, "t", 600, 700) == []
        store.jobs.end(job, "stopped", keep_s=60)
        key = store.keyspace.job_files(job.env, job.kind, job.job_id)
        assert 0 < store.client.pipeline(transaction=False).ttl(key).execute()[0] <= 60

    def test_cancel__export__ends_it_or_makes_its_files_due(
        self, store: Store, ref: ListRef
    ) -> None:
        running, complete = ExportRequest("x2", ref, 5), ExportRequest("x3", ref, 5)
        for request in (running, complete):
            admit_export(store, request)
        store.jobs.end(complete.ref, "complete", report={"rows": 0}, keep_s=60)
        store.export_files.expire(complete.ref, 9_000)

        first = [cancel_export(store, request, "ada") for request in (running, complete)]
        again = [cancel_export(store, request, "bob") for request in (running, complete)]

        assert (first, again) == ([True, True], [False, False])
        assert store.jobs.get(running.ref).reason == "cancelled by ada"
        state = store.jobs.get(complete.ref)
        assert (state.status, state.discarded_by) == ("complete", "ada")
        assert store.export_files.expired(1) == [complete.ref]
        store.export_files.forget(complete.ref)

    def test_rejected_files__list_deleted__its_own_are_due_and_others_keep_their_time(
        self, store: Store, ref: ListRef
    ) -> None:
        files = store.rejected_files
        other = dataclasses.replace(ref, generation=ref.generation * 10)
        own, first, second = (
            RejectedFileRef(ref, "i1"),
            *(RejectedFileRef(other, n) for n in "ab"),
        )
        for file in (own, first, second):
            files.add(file, 5_000)
        files.expire(first, 9_000)
        files.add(first, 1_000)
        files.expire(RejectedFileRef(ref, "never listed"), 0)

        files.expire_all(ref)

        assert files.expired(4_999) == [own]
        assert files.expired(5_000) == [own, second]
        files.forget(own)
        assert not files.is_listed(own)
        assert files.is_listed(first)

    def test_export_files__list_deleted__those_of_its_complete_exports_are_due(
        self, store: Store, ref: ListRef
    ) -> None:
        running, complete = (ExportRequest(name, ref, 5, ExportOptions()) for name in "rc")
        for request in (running, complete):
            admit_export(store, request)
        store.jobs.end(complete.ref, "complete", report={"rows": 0}, keep_s=60)
        store.export_files.expire(complete.ref, 5_000)
        remove_segment(store, ref.env, ref.segment)

        reclaim_list(store, ref)

        assert store.export_files.expired(1) == [complete.ref]
        store.export_files.forget(complete.ref)
