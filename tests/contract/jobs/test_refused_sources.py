"""A source that S3 will not give is refused when it is named, if waiting does not change that."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.proxies.hostile import HostileProxy, running_hostile_proxy
from tests.support.servers.api import SEGMENTS, Api, assert_refused, create_segment, running_api
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.servers.s3_refusals import OF_CREDENTIALS, OF_OBJECTS
from tests.support.servers.vercel import assert_error, vercel_client
from tests.support.vercel.lists import list_path
from tests.support.vercel.segments import create

_SOURCE = "s3://refusing/lists/a.csv"


@pytest.fixture(scope="module")
def proxy(s3_stand_in: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_stand_in.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def refusing(valkey_server: Server, proxy: HostileProxy) -> Iterator[Api]:
    """An API whose object store refuses what the proxy is told to refuse."""
    settings = {"S3_ENDPOINT": proxy.endpoint, "S3_BUCKET": "refusing"}
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(refusing: Api) -> Iterator[httpx.Client]:
    with refusing.client() as client:
        yield client


def test_source__refused_for_good__is_an_invalid_request_that_says_why(
    client: httpx.Client, proxy: HostileProxy
) -> None:
    path = f"{SEGMENTS}/{create_segment(client)}"
    for name, refusal in OF_OBJECTS.items():
        proxy.rule = lambda _, refusal=refusal: refusal.fault()  # type: ignore[misc]  # mypy drops the default
        reply = client.post(f"{path}/imports/from-source", json={"source": _SOURCE})
        message = assert_refused(reply, 400, "invalid_request")
        assert message.startswith(f"cannot read {_SOURCE}: "), name
    assert client.get(path).json()["_importInProgress"] is False


def test_source__of_an_attached_list__is_refused_in_the_same_way(
    refusing: Api, proxy: HostileProxy
) -> None:
    proxy.rule = lambda _: OF_OBJECTS["kms key disabled"].fault()
    with vercel_client(refusing) as vercel:
        segment = create(vercel)["slug"]
        reply = vercel.put(f"{list_path(segment)}/imports", json={"source": _SOURCE})
        assert "enable the KMS key" in assert_error(reply, 400, "bad_request")["message"]


@pytest.mark.parametrize("name", OF_CREDENTIALS)
def test_source__credentials_of_the_process_refused__is_the_worker_s_to_tell(
    client: httpx.Client, proxy: HostileProxy, name: str
) -> None:
    """The worker may have others, or newer ones."""
    proxy.rule = lambda _: OF_CREDENTIALS[name].fault()
    path = f"{SEGMENTS}/{create_segment(client)}/imports/from-source"
    assert client.post(path, json={"source": _SOURCE}).status_code == 202
