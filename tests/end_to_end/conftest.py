"""Systems for all of these tests; each test finds one whole and empty, and leaves it so.

They run one after the other, each for all tests that use it: an idle one of this speed takes
a tenth of a core.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.driving import assert_nothing_left, delete_all_segments
from tests.object_servers import ObjectServer
from tests.systems import SLOW, System, running_system

#: Edits that may be left to replay onto an import that waits, in the quick system.
MOST_EDITS: Final = 500
#: How each is run, in the order of the tests.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "quick": {"settings": {"BIGSEG_APPROVAL_JOURNAL_OPS": str(MOST_EDITS)}},
    "slow": {"local_spills": True, "settings": SLOW},
    "brokered": {"own_broker": True, "settings": {**SLOW, "BIGSEG_APPROVAL_TTL": "2"}},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of each system together; those with one of their own come first."""
    here = [one for one in items if one.path.parent == Path(__file__).parent]
    kinds = {one: _kind(one) for one in here}
    order = ["", *_OPTIONS]
    sorted_here = iter(sorted(here, key=lambda one: order.index(kinds[one])))
    items[:] = [next(sorted_here) if one in kinds else one for one in items]


def _kind(item: pytest.Item) -> str:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    used = [*getattr(item, "fixturenames", ()), *map(str, parameters.values())]
    names = {name.removeprefix("_") for name in used}
    return next((kind for kind in _OPTIONS if f"{kind}_system" in names), "")


class _OneSystem:
    """The system that runs now; another one ends it."""

    def __init__(self, s3: ObjectServer, stack: ExitStack) -> None:
        self._s3, self._stack, self._kind = s3, stack, ""

    def get(self, kind: str) -> System:
        if kind != self._kind:
            self._stack.close()
            self._system = self._stack.enter_context(running_system(self._s3, **_OPTIONS[kind]))
            self._kind = kind
        return self._system


@pytest.fixture(scope="package")
def _one_system(s3_server: ObjectServer) -> Iterator[_OneSystem]:
    with ExitStack() as stack:
        yield _OneSystem(s3_server, stack)


@pytest.fixture
def _quick_system(_one_system: _OneSystem) -> System:
    return _one_system.get("quick")


@pytest.fixture
def _slow_system(_one_system: _OneSystem) -> System:
    return _one_system.get("slow")


@pytest.fixture
def _brokered_system(_one_system: _OneSystem) -> System:
    return _one_system.get("brokered")


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
