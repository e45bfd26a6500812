"""A project for each test that asks for one."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.vercel.projects import OwnProject, own_project


@pytest.fixture
def project(vercel: httpx.Client) -> Iterator[OwnProject]:
    with own_project(vercel) as project:
        yield project
