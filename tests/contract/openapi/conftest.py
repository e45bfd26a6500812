"""An API process of its own for the document's tests, which the recorded examples were asked of."""

import copy
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.local.commands import worker_command
from tests.support.documents import names
from tests.support.documents.openapi import Document
from tests.support.documents.openapi_world import World
from tests.support.documents.recorded_jobs import RunningWorker, record_inbox, record_jobs
from tests.support.documents.recorded_lists import record_lists
from tests.support.documents.recorded_places import (
    record_audit_log,
    record_environments,
    record_projects,
    record_service,
    record_tokens,
)
from tests.support.documents.recorded_refusals import (
    FRAIL_SETTINGS,
    record_missing,
    record_refusals,
)
from tests.support.documents.recorded_schedules import record_schedules
from tests.support.documents.recorded_sdk_store import record_sdk_store
from tests.support.documents.recorded_sdks import (
    SDK,
    record_flag_data,
    record_relays,
    record_sdk_keys,
    record_sdks,
)
from tests.support.documents.recorded_segments import (
    record_evaluations,
    record_expiring,
    record_instructions,
    record_memberships,
    record_segments,
)
from tests.support.documents.recorded_uploads import OPEN_UPLOADS
from tests.support.documents.recorded_vercel import (
    VERCEL,
    record_account,
    record_end_of_flags,
    record_flag_segments,
    record_flags,
)
from tests.support.documents.recorded_webhooks import record_webhooks
from tests.support.documents.recording import Recorded, Recorder
from tests.support.processes.started import WARNINGS
from tests.support.sdks.following import following
from tests.support.servers.api import Api, running_api
from tests.support.servers.objects import CREDENTIALS, ObjectServer, ensure_bucket
from tests.support.servers.redis import Server, running_server
from tests.support.systems.parts import Guardian, Part
from worker.objects import ObjectSettings, ObjectStore
from worker.store import Keyspace, Store, StoreSettings
from worker.store.jobs.messages import QUEUE_WORK

BODY_LIMIT_BYTES = 100_000
#: So that a list of some kilobytes has every stage of a large one, and is seen at work.
_SLOW = {
    "BIGSEG_CHUNK_BYTES": str(64 * 1024),
    "BIGSEG_RANGE_BYTES": str(64 * 1024),
    "BIGSEG_CHUNK_ROWS": "2000",
    "BIGSEG_PUT_RATE_BYTES_S": "20000",
}


@pytest.fixture(scope="module")
def objects(s3_server: ObjectServer, bucket: str) -> Iterator[ObjectStore]:
    """The bucket that the API writes to, in an S3 that says what Amazon's says."""
    settings = ObjectSettings(s3_endpoint=s3_server.endpoint, s3_bucket=bucket)
    with ObjectStore.open(settings) as objects:
        ensure_bucket(objects)
        yield objects


@pytest.fixture(scope="module")
def instance(valkey_server: Server, s3_server: ObjectServer, objects: ObjectStore) -> Iterator[Api]:
    """An API process of its own: whatever is in it may be deleted."""
    chosen = {
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_BUCKET": objects.bucket,
        "S3_SOURCES": json.dumps([names.SOURCES]),
        "INBOX": f"s3://{names.INBOX_BUCKET}/inbox",
        "MAX_BODY_BYTES": str(BODY_LIMIT_BYTES),
        "OPEN_UPLOADS": str(OPEN_UPLOADS),
        # A busy machine is no server error.
        "LOOKUP_TIMEOUT_S": "10",
    }
    with running_api(valkey_server.url, chosen) as running:
        yield running


@pytest.fixture(scope="module")
def served(instance: Api) -> Document:
    """The document as it is served."""
    with instance.client() as client:
        document: Document = client.get("/openapi.json").json()
        return document


@pytest.fixture(scope="module")
def frail_recording(s3_server: ObjectServer, served: Document) -> Iterator[Future[Recorded]]:
    """What an API answers for which everything is too much; asked while the other is, too."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(_record_frail, s3_server, served)


@pytest.fixture(scope="module")
def recorder(
    instance: Api,
    served: Document,
    s3_server: ObjectServer,
    objects: ObjectStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Recorder]:
    """What was asked of the API and answered."""
    _put_source(s3_server)
    directory = tmp_path_factory.mktemp("worker")
    with ExitStack() as stack:
        client = stack.enter_context(instance.client())
        recorder = Recorder(client, served)
        running_worker = partial(_running_worker, instance, s3_server, objects, directory)
        store = stack.enter_context(instance.store())

        def connect(token: str) -> httpx.Client:
            return stack.enter_context(instance.client(token))

        _record(recorder, connect, running_worker, store)
        _record_sdks(recorder, connect, instance)
        record_missing(recorder)
        yield recorder


@pytest.fixture(scope="module")
def recorded(frail_recording: Future[Recorded], recorder: Recorder) -> Recorded:
    """The examples of both."""
    refusals = copy.deepcopy(frail_recording.result())
    down = refusals.pop("launchdarkly/service")["getReadiness"]
    recorded = copy.deepcopy(recorder.recorded) | refusals
    recorded["launchdarkly/service"]["getReadiness"]["answers"] |= down["answers"]
    return recorded


@pytest.fixture(scope="module")
def world(recorder: Recorder) -> World:
    return World(recorder)


def _record(
    recorder: Recorder,
    connect: Callable[[str], httpx.Client],
    running_worker: RunningWorker,
    store: Store,
) -> None:
    with recorder.about("projects"):
        record_projects(recorder)
    with recorder.about("environments"):
        record_environments(recorder)
    with recorder.about("tokens"):
        writer = record_tokens(recorder, connect)
    with recorder.about("segments"):
        record_segments(recorder, writer)
    with recorder.about("memberships"):
        record_memberships(recorder, writer)
    with recorder.about("expiring"):
        record_expiring(recorder, writer)
    with recorder.about("jobs"):
        record_jobs(recorder, writer, running_worker)
        record_inbox(recorder)
    with recorder.about("schedules"):
        record_schedules(recorder)
    with recorder.about("segments"):
        record_instructions(recorder)
    with recorder.about("evaluations"):
        record_evaluations(recorder)
    with recorder.about("audit_log"):
        record_audit_log(recorder, writer)
    with recorder.about("service"):
        record_service(recorder)
    with recorder.about("segments", VERCEL):
        record_flag_segments(recorder)
    with recorder.about("flags", VERCEL):
        flags = record_flags(recorder, connect)
    with recorder.about("lists", VERCEL):
        record_lists(recorder, running_worker)
    with recorder.about("flags", VERCEL):
        record_end_of_flags(recorder, flags)
    with recorder.about("account", VERCEL):
        record_account(recorder)
    with recorder.about("webhooks"):
        record_webhooks(recorder, store)
    with recorder.about("sdk_store"):
        record_sdk_store(recorder, store)


def _record_sdks(recorder: Recorder, connect: Callable[[str], httpx.Client], instance: Api) -> None:
    settings = StoreSettings.model_validate(
        {"redis_url": instance.redis_url, "key_prefix": instance.prefix}
    )
    with recorder.about("sdk_keys"):
        record_sdk_keys(recorder)
    with recorder.about("flag_data"):
        record_flag_data(recorder)
    with recorder.about("sdks", SDK):
        record_sdks(recorder, connect)
    with recorder.about("relays", SDK):
        record_relays(recorder, connect, partial(following, settings))


def _record_frail(s3: ObjectServer, served: Document) -> Recorded:
    settings = {"S3_ENDPOINT": s3.endpoint, **FRAIL_SETTINGS}
    with (
        running_server("valkey") as server,
        running_api(server.url, settings) as api,
        api.client() as client,
    ):
        recorder = Recorder(client, served)
        record_refusals(recorder, server, Keyspace(api.prefix))
        return recorder.recorded


def _put_source(s3: ObjectServer) -> None:
    bucket, _, folder = names.SOURCES.removeprefix("s3://").partition("/")
    settings = ObjectSettings(s3_endpoint=s3.endpoint, s3_bucket=bucket)
    with ObjectStore.open(settings) as objects:
        ensure_bucket(objects)
        with objects.open_writer(f"{folder}customers.csv") as writer:
            writer.write(b"customer-1234\ncustomer-5678\ncustomer-5678\n\ncustomer-9012\n")


@contextmanager
def _running_worker(
    api: Api, s3: ObjectServer, objects: ObjectStore, directory: Path
) -> Iterator[Part]:
    """Run a worker for the API's jobs; what it does at the end is cut off."""
    guardian = Guardian()
    environment = {
        **_SLOW,
        **CREDENTIALS,
        "PATH": "",
        "BIGSEG_REDIS_URL": api.redis_url,
        "BIGSEG_KEY_PREFIX": api.prefix,
        "BIGSEG_S3_ENDPOINT": s3.endpoint,
        "BIGSEG_S3_BUCKET": objects.bucket,
        "BIGSEG_S3_SOURCES": json.dumps([names.SOURCES]),
        **WARNINGS,
        "TMPDIR": str(directory),
    }
    command = worker_command((QUEUE_WORK,), 1, "work")
    worker = Part("worker", command, environment, directory / "worker.log", guardian)
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()
        guardian.dismiss()
