"""Lost, stopped, hung and refusing parts: the API says so, and never a false no."""

import json
import re
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
    include,
    running_api,
)
from tests.support.servers.objects import CREDENTIALS, ObjectServer, ensure_bucket
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, running_server, wait_until
from worker.objects import ObjectSettings, ObjectStore
from worker.store.keyspace import INCLUDED
from worker.store.members import hash_member, pack_key, shard_index

_EVALUATE = "/api/v2/projects/default/environments/production/segments/evaluate"
_DEAD = "redis://127.0.0.1:9/0"


_SETTINGS = {"REDIS_TIMEOUT_S": "1"}
_LONG_S = 2.5


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    with running_server("valkey", append_only=True) as server:
        yield server


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """A server of this file's own; what a test configures ends with it."""
    yield _server
    _server.command_reply("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction")


@pytest.fixture(scope="module")
def api(_server: Server) -> Iterator[Api]:
    with running_api(_server.url, _SETTINGS) as running:
        yield running


@pytest.fixture
def client(api: Api, server: Server) -> Iterator[httpx.Client]:
    with api.client() as client:
        wait_until(lambda: client.get(SEGMENTS).is_success, f"{server.url} is used again")
        yield client


def _is_unknown(reply: httpx.Response) -> bool:
    if reply.status_code == 503:
        assert_refused(reply, 503, "service_unavailable")
        assert reply.headers["retry-after"] == "1"
        return True
    return False


def _is_in(client: httpx.Client, segment: str, key: str) -> bool:
    """Ask by evaluation, which tells of every segment."""
    found = client.post(_EVALUATE, json={"key": key}).json()["items"]
    return bool(next(one["isMember"] for one in found if one["key"] == segment))


def test_store__flushed__is_unknown_everywhere() -> None:
    with (
        running_server("valkey") as server,
        running_api(server.url, _SETTINGS) as api,
        api.client() as client,
    ):
        key = create_segment(client)
        include(client, key, "a")
        assert client.get(f"{SEGMENTS}/{key}/contexts/a").json()["included"]

        server.command_reply("FLUSHALL")

        for path in ("", f"/{key}", f"/{key}/contexts/a", "/other/contexts/a"):
            assert _is_unknown(client.get(SEGMENTS + path)), path
        body = {"included": {"add": ["a"]}}
        assert _is_unknown(client.post(f"{SEGMENTS}/{key}/contexts", json=body))
        assert _is_unknown(client.delete(f"{SEGMENTS}/{key}"))
        assert _is_unknown(client.post(_EVALUATE, json={"key": "a"}))


def test_store__one_shard_lost__is_unknown_for_its_keys_only(
    api: Api, client: httpx.Client
) -> None:
    key = create_segment(client)
    keys = [f"key-{n}" for n in range(64)]
    include(client, key, *keys)
    with api.store() as store:
        ref = store.segments.get(PRODUCTION, key).ref
        live = store.memberships.state(ref).live
        store.client.unlink(store.keyspace.shard(ref, live.name, INCLUDED, 3))

    lost = {one for one in keys if shard_index(hash_member(pack_key(one)), live.included_bits) == 3}
    assert lost
    for one in keys:
        reply = client.get(f"{SEGMENTS}/{key}/contexts/{one}")
        assert _is_unknown(reply) if one in lost else reply.json()["included"], one
        assert _is_in(client, key, one) == (one not in lost)


def test_store__stopped_and_started_again__answers_again_without_a_restart(
    server: Server, client: httpx.Client
) -> None:
    key = create_segment(client)
    include(client, key, "a")
    path = f"{SEGMENTS}/{key}/contexts/a"
    assert client.get(path).json()["included"]

    server.stop()
    assert _is_unknown(client.get(path))
    assert _is_unknown(client.get(f"{SEGMENTS}/{key}"))
    assert _is_unknown(client.post(_EVALUATE, json={"key": "a"}))
    assert client.get("/healthz").status_code == 200

    server.start()
    wait_until(lambda: client.get(path).status_code == 200, "look-ups are answered again")
    assert client.get(path).json()["included"] is True
    assert client.get(f"{SEGMENTS}/{key}").status_code == 200
    assert _is_in(client, key, "a")


def test_store__hung__is_unknown_within_the_limit_and_right_again_later(
    server: Server, api: Api, client: httpx.Client
) -> None:
    key = create_segment(client)
    include(client, key, "a")
    path = f"{SEGMENTS}/{key}/contexts"
    made = client.post("/api/v2/tokens", json={"role": "reader", "name": "n"}).json()
    with api.client(made["token"]) as reader:
        assert reader.get(f"{path}/a").json()["included"]
        assert server.process is not None

        server.process.send_signal(signal.SIGSTOP)
        try:
            stopped, times = time.monotonic(), []
            while time.monotonic() - stopped < _LONG_S:  # longer than any time-out
                started = time.monotonic()
                assert _is_unknown(reader.get(f"{path}/a"))
                assert _is_unknown(client.get(f"{path}/a"))
                times.append(time.monotonic() - started)
            # Other processes of the run may take the cores: one undisturbed pair is enough.
            assert min(times) < 2.5
            metrics = reader.get("/metrics")
            assert metrics.status_code == 200, metrics.text
            assert "bigseg_store_up 0.0" in metrics.text
            [age] = re.findall(r"^bigseg_token_cache_age_seconds (\S+)", metrics.text, re.MULTILINE)
            assert float(age) > _LONG_S - 1
            unknown = r'bigseg_lookup_seconds_count\{answer="unknown"\} (\S+)'
            assert float(re.findall(unknown, metrics.text)[0]) > 0
            with api.client("api-" + "0" * 64) as stranger:
                assert not stranger.get("/metrics").is_success
        finally:
            server.process.send_signal(signal.SIGCONT)

        wait_until(lambda: reader.get(f"{path}/b").status_code == 200, "they are answered")
    # A late reply to the question before must not be taken for the answer to this one.
    assert client.get(f"{path}/b").json()["included"] is False
    assert client.get(f"{path}/a").json()["included"] is True


def test_store__not_there_at_the_start__is_used_once_it_is() -> None:
    port = free_port()
    with running_api(f"redis://127.0.0.1:{port}/0") as api, api.client() as client:
        assert client.get("/healthz").status_code == 200
        assert _is_unknown(client.get(SEGMENTS))
        assert _is_unknown(client.get(f"{SEGMENTS}/s/contexts/a"))
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert not ready.json()["parts"]["redis"]["ok"]

        with running_server("valkey", port=port):
            wait_until(lambda: client.get(SEGMENTS).status_code == 200, "segments are listed")
            assert_refused(client.get(f"{SEGMENTS}/s/contexts/a"), 404, "not_found")


def test_store__evicts_members__is_not_ready(server: Server, client: httpx.Client) -> None:
    server.command_reply("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    reply = client.get("/readyz")

    assert reply.status_code == 503
    assert "noeviction" in reply.json()["parts"]["redis"]["error"]


def test_store__out_of_memory__refuses_edits_and_still_answers(
    server: Server, client: httpx.Client
) -> None:
    key = create_segment(client)
    include(client, key, "a")
    server.command_reply("CONFIG", "SET", "maxmemory", "1mb")

    reply = client.post(f"{SEGMENTS}/{key}/contexts", json={"included": {"add": ["b"]}})

    assert_refused(reply, 503, "service_unavailable")
    assert client.get(f"{SEGMENTS}/{key}/contexts/a").json()["included"] is True


def test_broker__down__fails_no_request_and_is_named(
    server: Server, s3_server: ObjectServer
) -> None:
    settings = {"BROKER_URL": _DEAD, "S3_ENDPOINT": s3_server.endpoint, "S3_BUCKET": "no-broker"}
    own = ObjectSettings(s3_endpoint=s3_server.endpoint, s3_bucket="no-broker")
    with ObjectStore.open(own) as objects:
        ensure_bucket(objects)
    with running_api(server.url, settings) as api, api.client() as client:
        key = create_segment(client)

        upload = client.post(f"{SEGMENTS}/{key}/imports", files={"file": ("l", b"a\n")})
        export = client.post(f"{SEGMENTS}/{key}/exports")

        assert (upload.status_code, export.status_code) == (204, 200)
        ready = client.get("/readyz").json()
        assert [name for name, part in ready["parts"].items() if not part["ok"]] == ["broker"]
        wait_until(lambda: "message.unsent" in api.log, "the unsent message is logged")


def test_broker__is_a_cluster__is_refused(server: Server, cluster_servers: Server) -> None:
    with (
        running_api(server.url, {"BROKER_URL": cluster_servers.url}) as api,
        api.client() as client,
    ):
        part = client.get("/readyz").json()["parts"]["broker"]

        assert "BIGSEG_BROKER_URL" in part["error"]


def test_objects__down__uploads_are_unavailable_and_nothing_is_claimed(
    client: httpx.Client,
) -> None:
    key = create_segment(client)

    reply = client.post(f"{SEGMENTS}/{key}/imports", files={"file": ("l", b"a\n")})

    assert _is_unknown(reply)
    assert client.get(f"{SEGMENTS}/{key}").json()["_importInProgress"] is False
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert [name for name, part in ready.json()["parts"].items() if not part["ok"]] == ["s3"]


def test_objects__without_credentials__is_a_fault_and_the_log_says_which(server: Server) -> None:
    nobody = {name: value for name, value in CREDENTIALS.items() if "KEY" not in name}
    with running_api(server.url, credentials=nobody) as api, api.client() as client:
        key = create_segment(client)

        reply = client.post(f"{SEGMENTS}/{key}/imports", files={"file": ("l", b"a\n")})

        assert_refused(reply, 500, "internal_error")
        (line,) = [one for one in api.log.splitlines() if reply.json()["id"] in one]
        assert "credentials" in json.loads(line)["error"]
