"""Imports run in the test's own process, against a real server and a real bucket."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.servers.objects import CREDENTIALS, ObjectServer, ensure_bucket
from tests.support.servers.redis import Server, wait_until
from tests.support.store.building import members_of
from tests.support.store.stores import clock_ms, new_list, opened, token
from worker.jobs.services import Services
from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectInfo, ObjectStore
from worker.settings import ObjectSettings, WorkerSettings
from worker.store import (
    PREVIEW,
    ImportRequest,
    JobState,
    ListRef,
    Preview,
    SourceFile,
    admit_import,
    approve_import,
)
from worker.store.keyspace import INCLUDED
from worker.tasks.work import work_on

_numbers = itertools.count(1)
_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Imports:
    """Runs imports one at a time; each list is its own."""

    services: Services

    def list_of(self, *keys: str) -> ListRef:
        """A new list that holds these keys."""
        ref = new_list(self.services.store, f"in-process-{next(_numbers)}")
        if keys:
            state = self.run(ref, "".join(f"{key}\n" for key in keys).encode())
            assert state.status == "complete", state
        return ref

    def run(self, ref: ListRef, content: bytes, mode: Any = "merge", **options: Any) -> JobState:
        """Import a file as uploaded; the job when it has ended, or waits for its approval."""
        request = self.start(ref, content, mode, **options)
        return self.finish(request)

    def start(
        self, ref: ListRef, content: bytes, mode: Any = "merge", **options: Any
    ) -> ImportRequest:
        """Upload a file and claim the list."""
        return self.start_pieces(ref, (content,), mode, **options)

    def start_pieces(
        self, ref: ListRef, pieces: Iterable[bytes], mode: Any = "merge", **options: Any
    ) -> ImportRequest:
        """The same, of a file that is never held as a whole."""
        info = self._put_pieces(f"lists/in-process-{next(_numbers)}", pieces)
        source = SourceFile(info.bucket, info.key, "list", True, info.size_bytes, info.etag)  # noqa: FBT003 - uploaded
        return self.start_from(ref, (source,), mode, **options)

    def put(self, key: str, content: bytes) -> ObjectInfo:
        """Put an object into the bucket."""
        return self._put_pieces(key, (content,))

    def _put_pieces(self, key: str, pieces: Iterable[bytes]) -> ObjectInfo:
        with self.services.objects.open_writer(key) as writer:
            for piece in pieces:
                writer.write(piece)
        return self.services.objects.head(key)

    def start_from(
        self, ref: ListRef, sources: Sequence[SourceFile], mode: Any = "merge", **options: Any
    ) -> ImportRequest:
        """Claim the list for an import of what is in the bucket."""
        options = {"import_id": token(), "allow_empty": False, **options}
        request = ImportRequest(
            list_ref=ref,
            mode=mode,
            sources=tuple(sources),
            created_ms=clock_ms(),
            **options,
        )
        admit_import(self.services.store, request)
        return request

    def finish(self, request: ImportRequest) -> JobState:
        """Do units until the import has ended, or waits for its approval."""
        jobs = self.services.store.jobs

        def is_at_rest() -> bool:
            work_on(self.services, request.ref)
            state = jobs.get(request.ref)
            return state.ended_ms is not None or state.status == "pending_approval"

        wait_until(is_at_rest, f"the end of {request.ref}", _LIMIT_S)
        return jobs.get(request.ref)

    def approve(self, state: JobState) -> JobState:
        """Approve an import that waits, and do the rest."""
        request = state.request
        assert isinstance(request, ImportRequest)
        approve_import(self.services.store, request.list_ref, request.import_id)
        return self.finish(request)

    def preview(self, state: JobState) -> Preview:
        """What an import that waits, or a dry run, would change."""
        found = self.services.store.jobs.read(state.request.ref, PREVIEW)
        assert found is not None
        return found

    def members(self, ref: ListRef) -> set[str]:
        """What the live list holds."""
        live = self.services.store.memberships.state(ref).live
        return set(members_of(self.services.store, ref, live, INCLUDED))


@contextmanager
def imports_in_process(
    server: Server, s3: ObjectServer, *, decoder: ParquetDecoder | None = None, **settings: Any
) -> Iterator[Imports]:
    """Open a bucket and a prefix of the server's for imports in this process."""
    names = {"s3_endpoint": s3.endpoint, "s3_bucket": f"in-process-{token()[:8]}"}
    parquet = decoder or ParquetDecoder()
    with pytest.MonkeyPatch.context() as patch, opened(server) as store:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with ObjectStore.open(ObjectSettings.model_validate(names)) as objects:
            ensure_bucket(objects)
            yield Imports(
                Services(
                    store=store,
                    objects=objects,
                    settings=WorkerSettings.model_validate(names | settings),
                    announce=lambda _ref, _hints: None,
                    clock_ms=clock_ms,
                    sleep_s=lambda _seconds: None,
                    random_name=token,
                    parquet=parquet,
                )
            )
    parquet.close()


def kinds_of(state: JobState) -> dict[str, int]:
    """The warnings of a report: kind to count."""
    report = state.report or {}
    return {one["kind"]: one["count"] for one in report["warnings"]}


def rows_of(state: JobState, kind: str) -> Sequence[int]:
    """The rows that a warning names."""
    report = state.report or {}
    rows: Sequence[int] = next(one["rows"] for one in report["warnings"] if one["kind"] == kind)
    return rows
