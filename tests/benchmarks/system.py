"""The system under test: how to use what ``launch`` has started."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
from redis import Redis

from api.local import LocalSystem
from tests.benchmarks.lists import ListFile
from tests.benchmarks.processes import ProcessorTime, family
from tests.benchmarks.uploads import delete_object, upload_blocks, upload_file
from worker.store import INCLUDED, EnvironmentRef, JobRef, ListRef, Store
from worker.store.workflows import lists_to_reclaim, reclaim_list

PRODUCTION = EnvironmentRef("default", "production")
_SEGMENTS = "/api/v2/segments/default/production"
_POLL_S = 0.02
_JOB_LIMIT_S = 3_600.0
_SETTLE_LIMIT_S = 120.0


class BenchmarkError(RuntimeError):
    """Something that is to be measured did not work; the message says what."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import or export that is complete.

    Attributes:
        seconds: from the moment the API created its record to its end, by the record.
        ended: Unix time of its end.
        report: of the import, or what the export wrote.
        entered: Unix time at which each stage began; an export has none.
        processor: seconds that each part took in each stage, or in all.
    """

    seconds: float
    ended: float
    report: dict[str, Any]
    entered: dict[str, float]
    processor: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Wall time of each stage, as the report has them."""
        return dict(self.report["seconds"])


@dataclass(slots=True)
class System:
    """A running system and clients of its parts."""

    local: LocalSystem
    store: Store
    redis: Redis
    http: httpx.Client
    folder: Path
    server: str
    settle_s: float
    uploaded: set[str] = field(default_factory=set)

    @property
    def store_port(self) -> int:
        """The store's port on the loopback."""
        return int(httpx.URL(self.local.environment["BIGSEG_REDIS_URL"]).port or 0)

    @property
    def api_port(self) -> int:
        """The API's port on the loopback."""
        return int(httpx.URL(self.local.url).port or 0)

    @property
    def pids(self) -> dict[str, int]:
        """Number of each process by its name: ``store``, ``objects``, ``api``, ``worker``, …"""
        return self.local.pids

    def source(self, file: ListFile) -> str:
        """Have a list in S3; its URL."""
        key = f"lists/{file.name}"
        if file.name not in self.uploaded:
            upload_file(self.local.environment, file, key)
            self.uploaded.add(file.name)
        return f"s3://{self.local.environment['BIGSEG_S3_BUCKET']}/{key}"

    def source_folder(self, name: str, files: Iterable[ListFile]) -> ListFile:
        """Have lists in a folder in S3, whose name ends with a slash; all of them as one."""
        rows = 0
        for file in files:
            upload_file(self.local.environment, file, f"lists/{name}{file.name}")
            rows += file.rows
        self.uploaded.add(name)
        return ListFile(self.folder, name, rows)

    def source_blocks(self, file: ListFile, blocks: Iterable[bytes]) -> None:
        """Have a list in S3 that is never on the disk."""
        upload_blocks(self.local.environment, blocks, f"lists/{file.name}")
        self.uploaded.add(file.name)

    def delete_source(self, file: ListFile) -> None:
        """Delete a list from S3."""
        delete_object(self.local.environment, f"lists/{file.name}")
        self.uploaded.discard(file.name)

    def create(self, segment: str) -> None:
        """Make an empty big segment."""
        body = {"key": segment, "name": segment, "unbounded": True, "unboundedContextKind": "user"}
        self._send("POST", _SEGMENTS, body)

    def edit(self, segment: str, keys: list[str]) -> None:
        """Add keys to a big segment in one request."""
        self._send("POST", f"{_SEGMENTS}/{segment}/users", {"included": {"add": keys}})

    def delete(self, segment: str) -> tuple[float, float]:
        """Delete a big segment and free all it held; Unix time of the beginning and the end."""
        ref = list_ref(segment)
        self._send("DELETE", f"{_SEGMENTS}/{segment}", None)
        started = time.time()
        while ref in lists_to_reclaim(self.store, ref.env):
            reclaim_list(self.store, ref)
        deadline = time.monotonic() + _SETTLE_LIMIT_S
        while self.redis.info("memory")["lazyfree_pending_objects"]:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{segment} is not freed after {_SETTLE_LIMIT_S:g} s")
            time.sleep(_POLL_S)
        return started, time.time()

    def reader_token(self) -> str:
        """Make a token as a caller of look-ups has it: to read some segments, for a while."""
        resources = ["proj/other-*:env/*:segment/*", "proj/default:env/prod*:segment/list*"]
        statement = {"effect": "allow", "actions": ["*"], "resources": resources}
        body = {"role": "reader", "inlineRole": [statement], "expiry": 4_000_000_000_000}
        return str(self._send("POST", "/api/v2/tokens", body).json()["token"])

    def import_list(self, segment: str, file: ListFile, mode: str = "replace") -> Job:
        """Import a list that lies in S3, over HTTP, and wait for its end."""
        body = {"source": self.source(file), "mode": mode}
        job = self._do(f"{_SEGMENTS}/{segment}/imports", body, "import")
        if job.report["rowsRead"] != file.rows or job.report["rejected"]:
            raise BenchmarkError(f"{file.name} has {file.rows} rows; the report: {job.report}")
        return job

    def compose_list(self, segment: str, op: str, *sources: str) -> Job:
        """Build a list from others and wait for its end."""
        body = {"op": op, "segments": list(sources)}
        return self._do(f"{_SEGMENTS}/{segment}/compose", body, "import")

    def export_list(self, segment: str, kind: Literal["csv", "parquet"] = "csv") -> Job:
        """Export a list to S3 and wait for its end."""
        return self._do(f"{_SEGMENTS}/{segment}/exports", {"format": kind}, "export")

    def shard_names(self, segment: str) -> list[str]:
        """The keys of all shards of a segment's included list."""
        ref, keys = list_ref(segment), self.store.keyspace
        revision = self.store.memberships.state(ref).live
        count = revision.shard_count(INCLUDED)
        return [keys.shard(ref, revision.name, INCLUDED, number) for number in range(count)]

    def used_bytes(self) -> int:
        """The server's ``used_memory`` once it has come to rest."""
        deadline = time.monotonic() + _SETTLE_LIMIT_S
        while not self._is_quiet() and time.monotonic() < deadline:
            pass
        return int(self.redis.info("memory")["used_memory"])

    def worker_pids(self) -> list[int]:
        """Every worker process: the two parents and their pools."""
        return [pid for name in ("worker", "upkeep") for pid in family(self.pids[name])]

    def _do(self, path: str, body: dict[str, Any], kind: Literal["import", "export"]) -> Job:
        clock = ProcessorTime(self.pids)
        with clock.sampling():
            location = self._send("POST", path, body).headers["Location"]
            job = self._wait(JobRef(kind, PRODUCTION, location.rpartition("/")[2]))
        return replace(job, processor=_by_stage(clock, job))

    def _wait(self, ref: JobRef) -> Job:
        deadline = time.monotonic() + _JOB_LIMIT_S
        while (state := self.store.jobs.get(ref)).ended_ms is None:
            self.local.check()
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{ref} has not ended after {_JOB_LIMIT_S:g} s")
            time.sleep(_POLL_S)
        if state.status != "complete" or state.report is None:
            raise BenchmarkError(f"{ref} is {state.status}: {state.reason}")
        entered = {stage: moment / 1000 for stage, moment in state.entered.items()}
        ended = state.ended_ms / 1000
        return Job(
            seconds=ended - state.request.created_ms / 1000,
            ended=ended,
            report=state.report,
            entered=entered,
        )

    def _is_quiet(self) -> bool:
        first = self.redis.info("memory")["used_memory"]
        time.sleep(self.settle_s)
        info = self.redis.info()
        busy = info["aof_rewrite_in_progress"] or info["lazyfree_pending_objects"]
        return not busy and abs(info["used_memory"] - first) < 1 << 16

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        response = self.http.request(method, path, json=body)
        if not response.is_success:
            raise BenchmarkError(f"{method} {path}: {response.status_code} {response.text}")
        return response


def list_ref(segment: str) -> ListRef:
    """The list of a segment that was created once."""
    return ListRef(PRODUCTION.project, PRODUCTION.environment, segment, 1)


def _by_stage(clock: ProcessorTime, job: Job) -> dict[str, dict[str, float]]:
    began = job.entered or {"all": job.ended - job.seconds}
    starts = sorted(began.items(), key=lambda stage: stage[1])
    ends = [*(moment for _, moment in starts[1:]), job.ended]
    return {stage: clock.used(start, end) for (stage, start), end in zip(starts, ends, strict=True)}
