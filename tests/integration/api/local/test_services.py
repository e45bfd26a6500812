"""Ports, and servers of the user's own; a newcomer meets default ports that are taken."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from tests.support.servers.objects import CREDENTIALS, ObjectServer
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server
from tests.support.systems.up import up


@contextmanager
def _listening(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


def test_up__explicit_port_taken__fails_and_names_it(tmp_path: Path) -> None:
    port = free_port()
    with _listening(port), up(tmp_path, "--port", str(port)) as running:
        assert running.end() == 1
    assert f"port {port} is taken" in json.loads(running.errors[0])["text"]
    assert "--port" in running.errors[0]


def test_up__own_servers__are_used_and_get_the_bucket(
    tmp_path: Path, valkey_server: Server, s3_server: ObjectServer
) -> None:
    environment = {
        **CREDENTIALS,
        "BIGSEG_REDIS_URL": valkey_server.url,
        "BIGSEG_S3_ENDPOINT": s3_server.endpoint,
        "BIGSEG_S3_BUCKET": "made-by-up",
    }
    for _ in range(2):  # the second run finds the bucket
        with up(tmp_path, environment=environment) as running:
            running.event("ready")
            assert list(running.child_pids()) == ["worker", "api"]
    client = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    client.close()
    assert "made-by-up" in names


def test_up__own_store_silent__fails_without_printing_the_url(tmp_path: Path) -> None:
    environment = {"BIGSEG_REDIS_URL": f"redis://:secret@127.0.0.1:{free_port()}/0"}
    with up(tmp_path, environment=environment) as running:
        assert running.end() == 1
    assert "BIGSEG_REDIS_URL does not answer" in running.errors[0]
    assert "secret" not in "".join(running.errors)
