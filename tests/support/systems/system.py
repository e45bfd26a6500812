"""A whole system for tests, as separate processes that can be killed and started again.

One server with an append-only file, an S3 stand-in, a worker with some processes, the
upkeep worker, beat and the API, started by the commands a deployment uses. Nothing is
left running at the end, also when the test process itself is killed.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import httpx
import pytest

from api.local.commands import api_command, beat_command, worker_command
from tests.support.processes.started import WARNINGS
from tests.support.servers.objects import CREDENTIALS, ObjectServer, ensure_bucket
from tests.support.servers.plain_http import NO_ROOTS
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Kind, Server, spawn_server, wait_until
from tests.support.systems.parts import Guardian, Part
from worker.objects import ObjectStore
from worker.settings import ObjectSettings, StoreSettings
from worker.store import Store, open_store
from worker.store.jobs.messages import QUEUE_UPKEEP, QUEUE_WORK

TOKEN = "token-of-a-test-system"

_READY_LIMIT_S = 60.0

#: What makes small lists behave like large ones, and a crash cost seconds.
QUICK = {
    "BIGSEG_LEASE_S": "2",
    "BIGSEG_SWEEP_S": "0.3",
    "BIGSEG_INBOX_POLL_S": "0.3",
    "BIGSEG_RETIRE_AFTER_S": "0.5",
    "BIGSEG_KEPT_REVISIONS": "0",
    "BIGSEG_CHUNK_BYTES": str(128 * 1024),
    "BIGSEG_RANGE_BYTES": str(256 * 1024),
    "BIGSEG_CHUNK_ROWS": "2000",
    # Tests replace whole lists; what stops that by default has tests of its own.
    "BIGSEG_SHRINK_SHARE": "1",
}
#: Slow enough on top that a test meets every stage half done.
SLOW = {
    "BIGSEG_PUT_RATE_BYTES_S": "150000",
    "BIGSEG_CHUNK_BYTES": str(64 * 1024),
    "BIGSEG_RANGE_BYTES": str(64 * 1024),
}


@dataclass(slots=True)
class System:
    """The running parts, and clients of them."""

    directory: Path
    server: Server
    broker: Server
    """The store's server, unless the system has a broker of its own."""
    bucket: str
    url: str
    store: Store
    objects: ObjectStore
    http: httpx.Client
    s3_endpoint: str
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def worker(self) -> Part:
        return self.parts["worker"]

    @property
    def upkeep(self) -> Part:
        return self.parts["upkeep"]

    @property
    def beat(self) -> Part:
        return self.parts["beat"]

    @property
    def api(self) -> Part:
        return self.parts["api"]

    @property
    def spill_dir(self) -> Path:
        """Where spills are if the system keeps them in a directory."""
        return self.directory / "spills"

    def wait_ready(self) -> None:
        """Wait until the API can do its work."""
        wait_until(self._is_ready, "the API is ready", _READY_LIMIT_S)

    def revive(self) -> None:
        """Start what a test has killed or stopped, and wait until the API is ready."""
        for server in (self.server, self.broker):
            if server.process is None:
                server.start()
        for part in self.parts.values():
            if part.process is None:
                part.start()
        self.wait_ready()

    def stop(self) -> None:
        """Stop all parts, at the same time."""
        for part in self.parts.values():
            part.ask_to_end()
        for part in self.parts.values():
            part.stop()

    def kill(self) -> None:
        """End all parts at once."""
        with ExitStack() as stack:  # all, also if one cannot be ended
            for part in self.parts.values():
                stack.callback(part.kill)

    def open_uploads(self) -> list[str]:
        """Keys of the multipart uploads in the bucket that nobody has completed or aborted."""
        client = boto3.client("s3", endpoint_url=self.s3_endpoint, region_name="us-east-1")
        found = client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
        client.close()
        return [upload["Key"] for upload in found]

    def logs(self) -> str:
        """The end of every part's log, for a failed assertion."""
        return "\n".join(f"--- {part.name}\n{part.log[-4000:]}" for part in self.parts.values())

    def _is_ready(self) -> bool:
        part = self.api
        assert part.process is not None
        assert part.process.poll() is None, f"the API ended:\n{part.log}"
        with suppress(httpx.TransportError):  # not listening yet
            return self.http.get("/readyz").is_success
        return False


@contextmanager
def running_system(
    s3: ObjectServer,
    *,
    kind: Kind = "valkey",
    port: int | None = None,
    processes: int = 2,
    own_broker: bool = False,
    local_spills: bool = False,
    settings: Mapping[str, str] | None = None,
    worker_settings: Mapping[str, str] | None = None,
    part_settings: Mapping[str, Mapping[str, str]] | None = None,
    store_options: Mapping[str, str] | None = None,
) -> Iterator[System]:
    """Run a system over an S3 server that the caller runs; all else is gone at the end.

    Args:
        s3: holds the system's bucket, which is made.
        kind: which server is the store.
        port: its port; a free one when unset.
        processes: how many the worker has.
        own_broker: give Celery a server of its own.
        local_spills: keep spills in a directory, not in the bucket.
        settings: more `BIGSEG_` variables for every part.
        worker_settings: and for the two workers only.
        part_settings: and for one part, by its name.
        store_options: further directives of the store server.
    """
    directory = Path(tempfile.mkdtemp(prefix="bigseg-system-"))
    bucket = directory.name.lower().replace("_", "-")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        nanny = Guardian()
        stack.callback(nanny.dismiss)
        nanny.watch(s3.process.pid)
        server = _server(stack, kind, directory / "store", nanny, port, store_options)
        broker = _server(stack, kind, directory / "broker", nanny) if own_broker else server
        environment = {
            **_own_environment(directory, server, broker, s3, bucket, local_spills=local_spills),
            **QUICK,
            **(settings or {}),
        }
        objects = stack.enter_context(
            ObjectStore.open(ObjectSettings(s3_endpoint=s3.endpoint, s3_bucket=bucket))
        )
        ensure_bucket(objects)
        store = stack.enter_context(
            open_store(StoreSettings.model_validate({"redis_url": server.url}))
        )
        store.environments.initialise()
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        http = stack.enter_context(
            httpx.Client(
                base_url=url, headers={"Authorization": TOKEN}, timeout=60, verify=NO_ROOTS
            )
        )
        system = System(directory, server, broker, bucket, url, store, objects, http, s3.endpoint)
        stack.callback(system.kill)
        for name, command in _commands(directory, port, processes).items():
            extra = dict((worker_settings or {}) if name in {"worker", "upkeep"} else {})
            extra |= (part_settings or {}).get(name, {})
            log = directory / f"{name}.log"
            part = Part(name, command, {**environment, **extra}, log, nanny)
            system.parts[name] = part
            part.start()
        system.wait_ready()
        yield system


def _server(
    stack: ExitStack,
    kind: Kind,
    directory: Path,
    nanny: Guardian,
    port: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Server:
    directory.mkdir()
    server = spawn_server(kind, directory, append_only=True, port=port, options=options)
    stack.callback(server.stop)
    assert server.process is not None
    nanny.watch(server.process.pid)
    return server


def _commands(directory: Path, port: int, processes: int) -> dict[str, tuple[str, ...]]:
    return {
        "upkeep": worker_command((QUEUE_UPKEEP,), 1, "upkeep"),
        "worker": worker_command((QUEUE_WORK,), processes, "work"),
        "beat": beat_command(directory / "beat-schedule"),
        "api": api_command("127.0.0.1", port),
    }


def _own_environment(
    directory: Path,
    server: Server,
    broker: Server,
    s3: ObjectServer,
    bucket: str,
    *,
    local_spills: bool,
) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")
    }
    spills = {"BIGSEG_SPILL_DIR": str(directory / "spills")} if local_spills else {}
    return {
        **inherited,
        **CREDENTIALS,
        **spills,
        "BIGSEG_REDIS_URL": server.url,
        "BIGSEG_BROKER_URL": broker.url,
        "BIGSEG_S3_ENDPOINT": s3.endpoint,
        "BIGSEG_S3_BUCKET": bucket,
        "BIGSEG_INBOX": f"s3://{bucket}/inbox",
        "BIGSEG_S3_DESTINATIONS": json.dumps([f"s3://{bucket}/lists/exports/"]),
        "BIGSEG_ADMIN_TOKEN": TOKEN,
        **WARNINGS,
        "TMPDIR": str(directory),
    }
