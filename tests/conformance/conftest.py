"""The store under test, once for each server that bigseg is run on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

import pytest

pytest.register_assert_rewrite(
    "tests.support.store.building",
    "tests.support.store.following",
    "tests.support.store.stores",
    "tests.conformance.suite.attached_lists",
    "tests.conformance.suite.audit",
    "tests.conformance.suite.approvals",
    "tests.conformance.suite.building",
    "tests.conformance.suite.definitions",
    "tests.conformance.suite.edits",
    "tests.conformance.suite.environments",
    "tests.conformance.suite.expiry",
    "tests.conformance.suite.feeds",
    "tests.conformance.suite.flag_data",
    "tests.conformance.suite.flags",
    "tests.conformance.suite.job_lists",
    "tests.conformance.suite.jobs",
    "tests.conformance.suite.monitoring",
    "tests.conformance.suite.project_segments",
    "tests.conformance.suite.publishing",
    "tests.conformance.suite.reclaiming",
    "tests.conformance.suite.requests",
    "tests.conformance.suite.revisions",
    "tests.conformance.suite.schedules",
    "tests.conformance.suite.sdk_keys",
    "tests.conformance.suite.sdk_store",
    "tests.conformance.suite.tokens",
)

from tests.support.store.building import shares_copies  # noqa: E402  # asserts are rewritten first
from tests.support.store.stores import (  # noqa: E402  # asserts are rewritten first
    STORE_NAMES,
    StoreName,
    new_list,
    opened_database,
    opened_in,
)
from worker.store import ListRef, Store  # noqa: E402  # asserts are rewritten first
from worker.store.server.database import Database  # noqa: E402  # asserts are rewritten first

#: Not an excuse but the wheel's own limit; every other missing server fails the run.
_WITHOUT_REDIS_8: Final = sys.version_info >= (3, 14)
_FIXTURES: Final = {
    "valkey": "valkey_server",
    "redis8": "redis8_server",
    "cluster": "cluster_servers",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "copies: changes a copied set; the stand-in's are shared")


@pytest.fixture(scope="session")
def database_of(request: pytest.FixtureRequest) -> Iterator[Callable[[StoreName], Database]]:
    """The database of each kind of server, opened when it is first asked for."""
    databases: dict[StoreName, Database] = {}

    def open_once(name: StoreName) -> Database:
        if name not in databases:
            server = request.getfixturevalue(_FIXTURES[name]) if name in _FIXTURES else None
            databases[name] = stack.enter_context(opened_database(server))
        return databases[name]

    with ExitStack() as stack:
        yield open_once


@pytest.fixture(params=[name for name in STORE_NAMES if name != "redis8" or not _WITHOUT_REDIS_8])
def store(
    request: pytest.FixtureRequest, database_of: Callable[[StoreName], Database]
) -> Iterator[Store]:
    with opened_in(database_of(request.param)) as opened_store:
        if shares_copies(opened_store) and request.node.get_closest_marker("copies"):
            reason = "fakeredis: COPY gives a second name to one set"
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        yield opened_store


@pytest.fixture
def ref(store: Store) -> ListRef:
    """The empty lists of a new segment."""
    return new_list(store)
