"""The stream of datafiles: what comes, when it comes again, and when the stream ends."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.support.clients.flags_core_client import FlagsCoreClient, flags_core_client
from tests.support.servers.api import Api, running_api
from tests.support.servers.redis import Server, wait_until
from tests.support.servers.vercel import assert_error, vercel_client
from tests.support.vercel.projects import (
    OwnProject,
    create_project,
    delete_project,
    is_in,
    new_sdk_key,
    new_segment,
    own_project,
)
from tests.support.vercel.segments import including

STREAM = "/v1/stream"
_STREAMS = 2


@pytest.fixture
def project(vercel: httpx.Client) -> Iterator[OwnProject]:
    with own_project(vercel) as project:
        yield project


@pytest.fixture(scope="module")
def flags_core(api: Api) -> Iterator[FlagsCoreClient]:
    """The client; what uses it is left out ``--without-node``."""
    with flags_core_client(api.url) as client:
        yield client


@contextmanager
def _stream(api: Api, key: str, **headers: str) -> Iterator[Iterator[Any]]:
    """Open a stream; give its messages, without the pings."""
    with vercel_client(api, key) as client, client.stream("GET", STREAM, headers=headers) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        messages = (json.loads(line) for line in reply.iter_lines())
        yield (message for message in messages if message["type"] != "ping")


def test_stream__of_a_project__begins_with_its_datafile(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    new_segment(vercel, project, "a", including("u1"))
    key = new_sdk_key(vercel, project)["keyValue"]

    with _stream(api, key) as messages, vercel_client(api, key) as client:
        assert next(messages) == {"type": "datafile", "data": client.get("/v1/datafile").json()}


def test_stream__after_a_change__has_the_new_datafile(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    segment = new_segment(vercel, project, "a", including("u1"))
    key = new_sdk_key(vercel, project)["keyValue"]

    with _stream(api, key) as one, _stream(api, key) as other:
        assert next(one) == next(other)
        for value in ("u2", "ü" * 200_000):  # the latter is sent in several pieces
            vercel.patch(f"{project.segments}/a", json={"data": including(value)})
            found = next(one)
            assert found["data"]["segments"] == {segment: {"include": {"user": {"id": [value]}}}}
            assert next(other) == found


def test_stream__with_the_current_revision__is_primed(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    new_segment(vercel, project, "a", including("u1"))
    key = new_sdk_key(vercel, project)["keyValue"]
    owner = vercel.get(f"/v9/projects/{project.key}").json()["id"]

    with _stream(api, key, **{"X-Revision": "1"}) as messages:
        assert next(messages) == {
            "type": "primed",
            "revision": 1,
            "projectId": owner,
            "environment": "p",
        }
        vercel.patch(f"{project.segments}/a", json={"data": including("u2")})
        assert next(messages)["data"]["revision"] == 2
    for other in ("0", "1", "x"):
        with _stream(api, key, **{"X-Revision": other}) as messages:
            assert next(messages)["type"] == "datafile"


def test_stream__of_a_revoked_key__ends(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    key, other = (new_sdk_key(vercel, project) for _ in range(2))

    with _stream(api, key["keyValue"]) as messages, _stream(api, other["keyValue"]) as kept:
        assert next(messages) == next(kept)
        vercel.delete(f"{project.sdk_keys}/{key['hashKey']}")
        assert list(messages) == []
        new_segment(vercel, project, "a", {})
        assert next(kept)["data"]["revision"] == 1
    with vercel_client(api, key["keyValue"]) as client:
        assert_error(client.get(STREAM), 401, "unauthorized")


def test_stream__of_a_deleted_project__ends_without_another_datafile(
    api: Api, vercel: httpx.Client
) -> None:
    project = create_project(vercel)
    new_segment(vercel, project, "a", {})

    with _stream(api, new_sdk_key(vercel, project)["keyValue"]) as messages:
        assert next(messages)["type"] == "datafile"
        delete_project(vercel, project)
        assert list(messages) == []


def test_stream__head__has_no_body_and_ends(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    with vercel_client(api, new_sdk_key(vercel, project)["keyValue"]) as client:
        reply = client.head(STREAM)
        assert (reply.status_code, reply.content) == (200, b"")
        assert client.post(STREAM).status_code == 405
    assert_error(vercel.get(STREAM), 401, "unauthorized")


def test_client__with_default_options__follows_changes(
    vercel: httpx.Client, project: OwnProject, flags_core: FlagsCoreClient
) -> None:
    new_segment(vercel, project, "a", including("u1"))
    vercel.put(project.definitions, json={"flag": is_in("a")})
    key = new_sdk_key(vercel, project)
    both = [{"user": {"id": "u1"}}, {"user": {"id": "u2"}}]

    flags_core.open(key["keyValue"], defaults=True)
    assert flags_core.evaluate(["flag"], both) == [[True], [False]]

    vercel.patch(f"{project.segments}/a", json={"data": including("u2")})
    wait_until(
        lambda: flags_core.evaluate(["flag"], both) == [[False], [True]],
        "the client evaluates with the changed segment",
    )
    requests = [one for one in flags_core.close() if one[1] != "/v1/ingest"]
    assert requests == [["GET", STREAM, 200]]


@pytest.fixture(scope="module")
def small_api(valkey_server: Server) -> Iterator[Api]:
    """An API of its own with few streams and small datafiles; the last test stops it."""
    settings = {"VERCEL_STREAMS": str(_STREAMS), "VERCEL_DATAFILE_BYTES": "1024"}
    with running_api(valkey_server.url, settings) as running:
        yield running


def test_stream__too_many__is_503_until_one_is_closed(small_api: Api) -> None:
    with vercel_client(small_api) as client, own_project(client) as project:
        key = new_sdk_key(client, project)["keyValue"]
        with vercel_client(small_api, key) as sdk:
            with ExitStack() as stack:
                for _ in range(_STREAMS):
                    next(stack.enter_context(_stream(small_api, key)))
                error = assert_error(sdk.get(STREAM), 503, "service_unavailable")
                assert "BIGSEG_VERCEL_STREAMS" in error["message"]
                assert sdk.get("/v1/datafile").status_code == 200
            wait_until(lambda: _opens(sdk), "those of clients that have gone are closed")


def test_stream__of_a_datafile_that_is_too_large__is_409_and_keeps_what_is_open(
    small_api: Api,
) -> None:
    with vercel_client(small_api) as client, own_project(client) as project:
        new_segment(client, project, "a", including("u1"))
        key = new_sdk_key(client, project)["keyValue"]
        with vercel_client(small_api, key) as sdk, _stream(small_api, key) as messages:
            assert next(messages)["data"]["revision"] == 1
            for value in ("u" * 1_024, "u2"):
                client.patch(f"{project.segments}/a", json={"data": including(value)})
                if value != "u2":
                    for _ in range(_STREAMS + 1):  # a refused one takes no place
                        assert_error(sdk.get(STREAM), 409, "datafile_too_large")
                    wait_until(lambda: "datafile.unsent" in small_api.log, "it is noticed")
            assert next(messages)["data"]["revision"] == 3


def test_server__with_open_streams__stops_promptly(small_api: Api) -> None:
    with vercel_client(small_api) as client:
        key = new_sdk_key(client, create_project(client))["keyValue"]
    with _stream(small_api, key) as messages:
        next(messages)
        small_api.process.terminate()
        assert list(messages) == []
    small_api.process.wait(60)
    # It has ended by itself: after five seconds it would have been cut off.
    assert "timeout graceful shutdown exceeded" not in small_api.log


def _opens(sdk: httpx.Client) -> bool:
    with sdk.stream("GET", STREAM) as reply:
        return reply.status_code == 200
