"""The system under test: what ``bigseg up`` starts, as real processes, and how to use it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3
import httpx
from boto3.s3.transfer import TransferConfig
from pydantic import SecretStr
from redis import Redis

from api.local import Event, LocalOptions, LocalSystem
from api.local.commands import specify_services
from tests.benchmarks.lists import ListFile
from tests.support.servers.redis import free_port, server_binary
from worker.store import EnvironmentRef, JobRef, Store, StoreSettings, open_store

Kind = Literal["redis", "valkey"]

PRODUCTION = EnvironmentRef("default", "production")
_SEGMENTS = "/api/v2/segments/default/production"
_POLL_S = 0.02
_JOB_LIMIT_S = 1_800.0
_QUIET_S = 1.0
_SETTLE_LIMIT_S = 120.0
_PART_BYTES = 64 * 1024 * 1024
#: Requests are counted as in a deployment; none is refused.
_COUNTED = {
    f"BIGSEG_LIMIT_{what}": "1000000000"
    for what in ("ACCOUNT", "TOKEN", "ROUTE", "LOOKUP_TOKEN", "LOOKUP_ROUTE")
}


class BenchmarkError(RuntimeError):
    """Something that is to be measured did not work; the message says what."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import or export that is complete.

    Attributes:
        seconds: from the moment the API created its record to its end, by the record.
        report: of the import, or what the export wrote.
        entered: Unix time at which each stage of an import began.
    """

    seconds: float
    report: dict[str, Any]
    entered: dict[str, float]

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
    uploaded: set[str]

    @property
    def store_url(self) -> str:
        """Where the store is."""
        return self.local.environment["BIGSEG_REDIS_URL"]

    @property
    def store_port(self) -> int:
        """The store's port on the loopback."""
        return int(httpx.URL(self.store_url).port or 0)

    @property
    def api_port(self) -> int:
        """The API's port on the loopback."""
        return int(httpx.URL(self.local.url).port or 0)

    def source(self, file: ListFile) -> str:
        """Have a list in S3; its URL."""
        environment = self.local.environment
        bucket, key = environment["BIGSEG_S3_BUCKET"], f"lists/{file.name}"
        if file.name not in self.uploaded:
            client = boto3.client(
                "s3",
                endpoint_url=environment["BIGSEG_S3_ENDPOINT"],
                region_name="us-east-1",
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            )
            config = TransferConfig(
                multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES
            )
            client.upload_file(str(file.path), bucket, key, Config=config)
            client.close()
            self.uploaded.add(file.name)
        return f"s3://{bucket}/{key}"

    def create(self, segment: str) -> None:
        """Make an empty big segment."""
        body = {"key": segment, "name": segment, "unbounded": True, "unboundedContextKind": "user"}
        self._post(_SEGMENTS, body)

    def reader_token(self) -> str:
        """Make a token as a caller of look-ups has it: to read some segments, for a while."""
        resources = ["proj/other-*:env/*:segment/*", "proj/default:env/prod*:segment/list*"]
        statement = {"effect": "allow", "actions": ["*"], "resources": resources}
        body = {"role": "reader", "inlineRole": [statement], "expiry": 4_000_000_000_000}
        return str(self._post("/api/v2/tokens", body).json()["token"])

    def import_list(self, segment: str, file: ListFile, mode: str = "replace") -> Job:
        """Import a list that lies in S3, over HTTP, and wait for its end."""
        body = {"source": self.source(file), "mode": mode}
        ref = self._start(f"{_SEGMENTS}/{segment}/imports", body, "import")
        job = self.wait(ref)
        if job.report["rowsRead"] != file.rows or job.report["rejected"]:
            raise BenchmarkError(f"{file.name} has {file.rows} rows; the report: {job.report}")
        return job

    def export_list(self, segment: str) -> Job:
        """Export a list to CSV in S3 and wait for its end."""
        return self.wait(self._start(f"{_SEGMENTS}/{segment}/exports", {}, "export"))

    def wait(self, ref: JobRef) -> Job:
        """Wait for a job's end."""
        deadline = time.monotonic() + _JOB_LIMIT_S
        while (state := self.store.jobs.get(ref)).ended_ms is None:
            self.local.check()
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{ref} has not ended after {_JOB_LIMIT_S:g} s")
            time.sleep(_POLL_S)
        if state.status != "complete" or state.report is None:
            raise BenchmarkError(f"{ref} is {state.status}: {state.reason}")
        return Job(
            seconds=(state.ended_ms - state.request.created_ms) / 1000,
            report=state.report,
            entered={stage: moment / 1000 for stage, moment in state.entered.items()},
        )

    def used_bytes(self) -> int:
        """The server's ``used_memory`` once it has come to rest."""
        deadline = time.monotonic() + _SETTLE_LIMIT_S
        while not self._is_quiet() and time.monotonic() < deadline:
            pass
        return int(self.redis.info("memory")["used_memory"])

    def worker_pids(self) -> list[int]:
        """Every worker process: the two parents and their pools."""
        parents = [self.local.pids[name] for name in ("worker", "upkeep")]
        return [*parents, *(child for parent in parents for child in _children(parent))]

    def _is_quiet(self) -> bool:
        first = self.redis.info("memory")["used_memory"]
        time.sleep(_QUIET_S)
        info = self.redis.info()
        busy = info["aof_rewrite_in_progress"] or info["lazyfree_pending_objects"]
        return not busy and abs(info["used_memory"] - first) < 1 << 16

    def _start(self, path: str, body: dict[str, Any], kind: Literal["import", "export"]) -> JobRef:
        location = self._post(path, body).headers["Location"]
        return JobRef(kind, PRODUCTION, location.rpartition("/")[2])

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        response = self.http.post(path, json=body)
        if not response.is_success:
            raise BenchmarkError(f"POST {path}: {response.status_code} {response.text}")
        return response


@contextmanager
def running_system(kind: Kind, *, concurrency: int, append_only: bool = True) -> Iterator[System]:
    """Start everything, as ``bigseg up`` does, in a directory that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="bigseg-benchmark-"))
    given = {name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")}
    options = LocalOptions(
        data_dir=folder / "data",
        # Ports of its own: a running `bigseg up` keeps the usual ones.
        port=free_port(),
        redis_port=free_port(),
        s3_port=free_port(),
        concurrency=concurrency,
        # What is measured is one.
        api_processes=1,
        environment={**given, **_COUNTED, "BIGSEG_SERVER_BINARY": server_binary(kind)},
        services=specify_services,
    )
    events: list[Event] = []
    try:
        with LocalSystem.start(options, events.append) as local:
            url = SecretStr(local.environment["BIGSEG_REDIS_URL"])
            headers = {"Authorization": local.token}
            with (
                open_store(StoreSettings(redis_url=url)) as store,
                Redis(port=int(httpx.URL(url.get_secret_value()).port or 0)) as redis,
                httpx.Client(base_url=local.url, headers=headers, timeout=60) as http,
            ):
                if not append_only:
                    redis.config_set("appendonly", "no")
                version = next(e.details["version"] for e in events if e.name == "store")
                log = "append-only file each second" if append_only else "no append-only file"
                yield System(local, store, redis, http, folder, f"{version}, {log}", set())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if listed.exists():
        return [int(child) for child in listed.read_text().split()]
    lines = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=", "-o", "ppid="], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    pairs = [line.split() for line in lines]
    return [int(child) for child, parent in pairs if int(parent) == pid]
