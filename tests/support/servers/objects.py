"""A real S3 server for tests: moto's, in a process of its own.

Its objects are in its memory and, over 16 MB, in a directory that goes with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.processes.started import Process, start, stop
from tests.support.servers.plain_http import NO_ROOTS
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until
from worker.objects import BucketMissing, ObjectInfo, ObjectStore
from worker.objects.driver_errors import driver_errors

#: Objects of one page of a listing, few enough for a test to need several pages.
PAGE = 100

#: moto accepts any; without them botocore looks for a metadata service.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    # Nobody's own profile.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(slots=True)
class ObjectServer:
    """One S3 server process; it starts without a bucket."""

    port: int
    process: Process
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End the process; its objects are gone."""
        stop(self.process)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the S3 server ended:\n{self.log.read_text(errors='replace')}")
        try:
            return httpx.get(self.endpoint, timeout=30, verify=NO_ROOTS).is_success
        except httpx.TransportError:  # not listening yet
            return False

    def wait_ready(self) -> None:
        """Wait until it answers."""
        wait_until(self._answers, f"the S3 server on port {self.port} answers")


@contextmanager
def running_object_server() -> Iterator[ObjectServer]:
    """Run an S3 server; it and its objects are gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="bigseg-objects-"))
    port = free_port()
    log = directory / "server.log"
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)),
                env={
                    **os.environ,
                    **CREDENTIALS,
                    "TMPDIR": str(directory),
                    "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        server = ObjectServer(port, process, log)
        try:
            server.wait_ready()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[ObjectServer]:
    """S3, shared by the run, with credentials in the environment: a test uses its own bucket."""
    with pytest.MonkeyPatch.context() as patch, running_object_server() as server:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def s3_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator["StandIn"]:
    """The S3 of `bigseg up`, shared by the run, for tests to which moto is nothing but slow."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with running_stand_in(tmp_path_factory.mktemp("s3") / "objects") as server:
            yield server


def ensure_bucket(store: ObjectStore) -> None:
    """Create the store's bucket if it is missing."""
    try:
        with driver_errors("reach", store.bucket):
            store._client.head_bucket(Bucket=store.bucket)
    except BucketMissing:
        region = store._settings.s3_region
        if region == "us-east-1":  # the one that must not be named
            store._client.create_bucket(Bucket=store.bucket)
            return
        store._client.create_bucket(
            Bucket=store.bucket,
            CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]  # any string
        )


def list_objects(store: ObjectStore, prefix: str) -> list[ObjectInfo]:
    """The objects of the store's bucket below a prefix, in key order."""
    pages = store._client.get_paginator("list_objects_v2")
    return [
        ObjectInfo(store.bucket, entry["Key"], entry["Size"], entry["ETag"])
        for page in pages.paginate(Bucket=store.bucket, Prefix=prefix)
        for entry in page.get("Contents", ())
    ]


@dataclass(slots=True)
class StandIn(ObjectServer):
    """The S3 stand-in of `bigseg up`, whose objects stay in its folder when it ends."""

    folder: Path

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again over the same folder on the same port, and wait until it answers."""
        self.process = _start_stand_in(self.folder, self.port, self.log)
        self.wait_ready()


def _start_stand_in(folder: Path, port: int, log: Path) -> Process:
    command = (sys.executable, "-m", "api.s3", "--port", str(port), "--folder", str(folder))
    with log.open("ab") as output:
        return start(command, os.environ, output)


@contextmanager
def running_stand_in(folder: Path) -> Iterator[StandIn]:
    """Run the S3 stand-in of `bigseg up` over a folder, which it leaves as it is."""
    port = free_port()
    log = folder.with_name(f"{folder.name}.log")
    server = StandIn(port, _start_stand_in(folder, port, log), log, folder)
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()
