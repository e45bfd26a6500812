"""The store under test, once for each server that bigseg is run on."""

import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.stores import STORE_NAMES, StoreName, new_list, opened
from worker.store import ListRef, Store

#: Not an excuse but the wheel's own limit; every other missing server fails the run.
_WITHOUT_REDIS_8: Final = sys.version_info >= (3, 14)
_FIXTURES: Final = {
    "valkey": "valkey_server",
    "redis8": "redis8_server",
    "cluster": "cluster_servers",
}


@pytest.fixture(params=[name for name in STORE_NAMES if name != "redis8" or not _WITHOUT_REDIS_8])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    name: StoreName = request.param
    server = request.getfixturevalue(_FIXTURES[name]) if name in _FIXTURES else None
    with opened(server) as opened_store:
        yield opened_store


@pytest.fixture
def ref(store: Store) -> ListRef:
    """The empty lists of a new segment."""
    return new_list(store)
