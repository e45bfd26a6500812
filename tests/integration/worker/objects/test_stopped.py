"""The object store stops answering while many upload: they end, and nobody else notices."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, Api, create_segment, running_api
from tests.support.servers.objects import (
    CREDENTIALS,
    ObjectServer,
    ensure_bucket,
    running_object_server,
)
from tests.support.servers.redis import Server, wait_until
from worker.objects import ObjectSettings, ObjectStore

_UPLOADS = 60  # more than any process has threads for
_S3_TIMEOUT_S = 1.0
#: Three tries with their pauses take 3 to 7 s, and the end of an upload begun one more.
_LIMIT_S = 30.0
_BUCKET = "stopped"
_LARGE = b"key\n" * (9 * 1024 * 1024 // 4)


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectServer]:
    with pytest.MonkeyPatch.context() as patch, running_object_server() as server:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def api(valkey_server: Server, s3: ObjectServer) -> Iterator[Api]:
    settings = {
        "S3_ENDPOINT": s3.endpoint,
        "S3_BUCKET": _BUCKET,
        "S3_TIMEOUT_S": str(_S3_TIMEOUT_S),
    }
    with ObjectStore.open(ObjectSettings(s3_endpoint=s3.endpoint, s3_bucket=_BUCKET)) as objects:
        ensure_bucket(objects)
    with running_api(valkey_server.url, settings) as running:
        yield running


def _upload(client: httpx.Client, segment: str, content: bytes) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    files = {"file": ("list.csv", content)}
    reply = client.post(f"{SEGMENTS}/{segment}/imports", files=files, timeout=2 * _LIMIT_S)
    return reply, time.monotonic() - started


def _edit(client: httpx.Client, segment: str) -> float:
    """Seconds that an edit and what reads it back take."""
    started = time.monotonic()
    path = f"{SEGMENTS}/{segment}"
    edited = client.post(f"{path}/contexts", json={"included": {"add": ["ada"]}})
    assert edited.status_code == 204, edited.text
    assert client.get(f"{path}/contexts/ada").json()["included"] is True
    assert client.get(path).json()["_unboundedMetadata"]["includedCount"] == 1
    return time.monotonic() - started


def test_object_store__stopped_under_many_uploads__they_end_and_edits_go_on(
    api: Api, s3: ObjectServer
) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(api.client())
        uploading = stack.enter_context(
            httpx.Client(
                base_url=api.url,
                headers=client.headers,
                limits=httpx.Limits(max_connections=None),
            )
        )
        targets = [create_segment(client) for _ in range(_UPLOADS)]
        other = create_segment(client)
        threads = stack.enter_context(ThreadPoolExecutor(_UPLOADS))
        os.kill(s3.process.pid, signal.SIGSTOP)
        stack.callback(os.kill, s3.process.pid, signal.SIGCONT)
        # Every tenth is so large that it is sent in parts.
        uploads: list[Future[tuple[httpx.Response, float]]] = [
            threads.submit(_upload, uploading, key, b"a\n" if n % 10 else _LARGE)
            for n, key in enumerate(targets)
        ]
        edits: list[float] = []

        def all_ended() -> bool:
            edits.append(_edit(client, other))
            return all(one.done() for one in uploads)

        wait_until(all_ended, "all uploads have ended", _LIMIT_S)
        ended = [one.result() for one in uploads]

    for reply, _ in ended:
        assert reply.status_code == 503, reply.text
        assert reply.json()["code"] == "service_unavailable"
        assert "s3://stopped/" in reply.text or "waiting for the object store" in reply.text
    assert max(took for _, took in ended) > _S3_TIMEOUT_S
    # Without threads of their own for the uploads, an edit waits as long as they do.
    assert max(edits) < 2 * _S3_TIMEOUT_S
    assert len(edits) > 10
    with api.client() as client:
        wait_until(lambda: client.get("/readyz").is_success, "the object store is back")
        reply, _ = _upload(client, targets[0], _LARGE)
        assert reply.status_code == 204, reply.text
