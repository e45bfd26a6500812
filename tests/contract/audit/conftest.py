"""The log of changes, by LaunchDarkly's Python client and without it."""

from collections.abc import Iterator

import httpx
import pytest
from launchdarkly_api import ApiClient, AuditLogApi, SegmentBody, SegmentsApi

from tests.support.clients.python_client import ENVIRONMENT, PROJECT, python_client
from tests.support.servers.api import TOKEN, Api, new_key


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def plain(api: Api) -> Iterator[httpx.Client]:
    with api.client(TOKEN) as plain:
        yield plain


@pytest.fixture(scope="module")
def audit(client: ApiClient) -> AuditLogApi:
    return AuditLogApi(client)


@pytest.fixture(scope="module")
def segments(client: ApiClient) -> SegmentsApi:
    return SegmentsApi(client)


@pytest.fixture
def place(segments: SegmentsApi) -> tuple[str, str, str]:
    """A standard segment with one entry in the log."""
    key = new_key()
    segments.post_segment(PROJECT, ENVIRONMENT, SegmentBody(name=f"Name of {key}", key=key))
    return (PROJECT, ENVIRONMENT, key)


@pytest.fixture
def big(segments: SegmentsApi) -> tuple[str, str, str]:
    """A big segment with one entry in the log."""
    key = new_key("big")
    body = SegmentBody(name=f"Big {key}", key=key, unbounded=True, tags=["nightly"])
    segments.post_segment(PROJECT, ENVIRONMENT, body)
    return (PROJECT, ENVIRONMENT, key)
