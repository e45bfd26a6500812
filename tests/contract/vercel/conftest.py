"""The API of all contract tests, asked as Vercel's clients ask."""

from collections.abc import Iterator

import httpx
import pytest

pytest.register_assert_rewrite("tests.support.servers.vercel")
pytest.register_assert_rewrite("tests.support.vercel.segments")

from tests.support.servers.api import Api  # noqa: E402  # asserts are rewritten first
from tests.support.servers.vercel import vercel_client  # noqa: E402  # same


@pytest.fixture(scope="session")
def vercel(api: Api) -> Iterator[httpx.Client]:
    with vercel_client(api) as client:
        yield client
