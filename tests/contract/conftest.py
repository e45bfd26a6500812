"""One API process for all tests of the wire, over real servers."""

import json
import secrets
from collections.abc import Iterator

import httpx
import pytest

pytest.register_assert_rewrite("tests.support.servers.api")
pytest.register_assert_rewrite("tests.support.clients.typescript")
pytest.register_assert_rewrite("tests.support.servers.vercel")
pytest.register_assert_rewrite("tests.support.vercel.segments")

from tests.support.clients.command_line import run  # noqa: E402, F401  # same; a fixture, registered here
from tests.support.clients.typescript import (  # noqa: E402  # same
    TypeScriptClient,
    typescript_client,
    vercel_sdk,
)
from tests.support.servers.api import Api, running_api  # noqa: E402  # asserts are rewritten first
from tests.support.servers.objects import ObjectServer, ensure_bucket  # noqa: E402  # same
from tests.support.servers.redis import Server  # noqa: E402  # same
from tests.support.servers.vercel import vercel_client  # noqa: E402  # same
from worker.objects import ObjectSettings, ObjectStore  # noqa: E402  # same
from worker.store import Store  # noqa: E402  # same

#: Small enough to reach in a test.
UPLOAD_LIMIT_BYTES = 300_000
EVENT_STREAMS = 3
#: The least that S3 takes, and what 10,001 of them would hold.
PART_BYTES = 5 * 1024 * 1024
DIRECT_LIMIT_BYTES = 10_001 * PART_BYTES
#: More than tests leave open in one environment.
OPEN_UPLOADS = 40
#: The same of export schedules, and few enough to make them all.
SCHEDULES = 12


@pytest.fixture(scope="session")
def bucket() -> str:
    return f"bucket-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def objects(s3_stand_in: ObjectServer, bucket: str) -> Iterator[ObjectStore]:
    """The bucket that the API writes to."""
    settings = ObjectSettings(s3_endpoint=s3_stand_in.endpoint, s3_bucket=bucket)
    with ObjectStore.open(settings) as objects:
        ensure_bucket(objects)
        yield objects


@pytest.fixture(scope="session")
def api(
    valkey_server: Server, s3_stand_in: ObjectServer, objects: ObjectStore, bucket: str
) -> Iterator[Api]:
    assert objects.bucket == bucket
    settings = {
        "S3_ENDPOINT": s3_stand_in.endpoint,
        "S3_BUCKET": bucket,
        "INBOX": f"s3://{bucket}/inbox",
        "S3_DESTINATIONS": json.dumps([f"s3://{bucket}/exports/"]),
        "MAX_UPLOAD_BYTES": str(UPLOAD_LIMIT_BYTES),
        "EVENT_STREAMS": str(EVENT_STREAMS),
        "MAX_DIRECT_UPLOAD_BYTES": str(DIRECT_LIMIT_BYTES),
        "UPLOAD_PART_BYTES": str(PART_BYTES),
        "OPEN_UPLOADS": str(OPEN_UPLOADS),
        "SCHEDULES": str(SCHEDULES),
        "IMPORT_OBJECTS": "20",
    }
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.fixture(scope="session")
def client(api: Api) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


@pytest.fixture(scope="session")
def store(api: Api) -> Iterator[Store]:
    with api.store() as store:
        yield store


@pytest.fixture(scope="session")
def typescript(api: Api) -> Iterator[TypeScriptClient]:
    """LaunchDarkly's TypeScript client; what uses it is left out ``--without-node``."""
    with typescript_client(api.url) as running:
        yield running


@pytest.fixture(scope="session")
def vercel_typescript(api: Api) -> Iterator[TypeScriptClient]:
    """Vercel's TypeScript client; what uses it is left out ``--without-node``."""
    with vercel_sdk(api.url) as running:
        yield running


@pytest.fixture(scope="session")
def vercel(api: Api) -> Iterator[httpx.Client]:
    """A client that sends what Vercel's do."""
    with vercel_client(api) as client:
        yield client
