"""Systems for all of these tests; each test finds one whole and empty, and leaves it so."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.end_to_end.driving import assert_nothing_left, delete_all_segments
from tests.object_servers import ObjectServer
from tests.systems import SLOW, System, running_system

#: Edits that may be left to replay onto an import that waits, in the quick system.
MOST_EDITS: Final = 500


@pytest.fixture(scope="package")
def _quick_system(s3_server: ObjectServer) -> Iterator[System]:
    settings = {"BIGSEG_APPROVAL_JOURNAL_OPS": str(MOST_EDITS)}
    with running_system(s3_server, settings=settings) as running:
        yield running


@pytest.fixture(scope="package")
def _slow_system(s3_server: ObjectServer) -> Iterator[System]:
    with running_system(s3_server, local_spills=True, settings=SLOW) as running:
        yield running


@pytest.fixture(scope="package")
def _brokered_system(s3_server: ObjectServer) -> Iterator[System]:
    settings = {**SLOW, "BIGSEG_APPROVAL_TTL": "2"}
    with running_system(s3_server, own_broker=True, settings=settings) as running:
        yield running


@pytest.fixture
def brokered_system(_brokered_system: System) -> Iterator[System]:
    """A slow system whose broker is not its store, where nothing waits long for an approval."""
    yield from _left_clean(_brokered_system)


@pytest.fixture
def system(_quick_system: System) -> Iterator[System]:
    """A system that keeps spills in the bucket."""
    yield from _left_clean(_quick_system)


@pytest.fixture
def slow_system(_slow_system: System) -> Iterator[System]:
    """A system slow enough to meet every stage half done, with spills in a directory."""
    yield from _left_clean(_slow_system)


def _left_clean(system: System) -> Iterator[System]:
    try:
        yield system
    finally:
        system.revive()
    delete_all_segments(system)
    assert_nothing_left(system)
