"""Systems for all of these tests; each test finds one whole and empty, and leaves it so.

They run one after the other, each for all tests that use it: an idle one of this speed takes
a tenth of a core. The files in ``own_systems`` each start one of their own.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.systems.driving import assert_nothing_left, delete_all_segments
from tests.support.systems.system import SLOW, System, running_system

_NODE_HOME: Final = Path(__file__).parents[2] / ".venv/node"
#: Edits that may be left to replay onto an import that waits, in the quick system.
MOST_EDITS: Final = 500
#: How each is run, by its fixture and in the order of the tests.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "system": {
        "settings": {
            "BIGSEG_APPROVAL_JOURNAL_OPS": str(MOST_EDITS),
            "BIGSEG_WEBHOOK_ALLOWED": '["127.0.0.1"]',
            "BIGSEG_WEBHOOK_TIMEOUT_S": "2",
            "BIGSEG_UPLOAD_PART_BYTES": str(5 * 1024 * 1024),
        }
    },
    "slow_system": {"local_spills": True, "settings": SLOW},
    "keeping_system": {
        "settings": {"BIGSEG_KEPT_REVISIONS": "2", "BIGSEG_KEPT_MEMORY_SHARE": "0.95"}
    },
    "brokered_system": {"own_broker": True, "settings": {**SLOW, "BIGSEG_APPROVAL_TTL": "2"}},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of each system together; those with one of their own come first."""
    here = [one for one in items if one.path.parent == Path(__file__).parent]
    order = ["", *_OPTIONS]
    sorted_here = iter(sorted(here, key=lambda one: order.index(_system_of(one))))
    items[:] = [next(sorted_here) if one in here else one for one in items]


def _system_of(item: pytest.Item) -> str:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    used = {*getattr(item, "fixturenames", ()), *map(str, parameters.values())}
    for name in ("slow_system", "keeping_system", "brokered_system"):
        if name in used:
            return name
    # Some files have a `system` of their own.
    return "system" if "_one_system" in used else ""


class _OneSystem:
    """The system that runs now; another one ends it."""

    def __init__(self, s3: ObjectServer, stack: ExitStack) -> None:
        self._s3, self._stack = s3, stack
        self._running: tuple[str, System] | None = None

    def use(self, name: str) -> Iterator[System]:
        """Give it to one test; one that it does not leave whole and empty is ended."""
        system = self._get(name)
        try:
            try:
                yield system
            finally:
                system.revive()
            delete_all_segments(system)
            assert_nothing_left(system)
        except BaseException:
            self._end()
            raise

    def _get(self, name: str) -> System:
        if self._running is None or self._running[0] != name:
            self._end()
            system = self._stack.enter_context(running_system(self._s3, **_OPTIONS[name]))
            self._running = name, system
        return self._running[1]

    def _end(self) -> None:
        self._running = None
        self._stack.close()


@pytest.fixture(scope="package")
def _one_system(s3_server: ObjectServer) -> Iterator[_OneSystem]:
    with ExitStack() as stack:
        yield _OneSystem(s3_server, stack)


@pytest.fixture
def brokered_system(_one_system: _OneSystem) -> Iterator[System]:
    """A slow system whose broker is not its store, where nothing waits long for an approval."""
    yield from _one_system.use("brokered_system")


@pytest.fixture
def system(_one_system: _OneSystem) -> Iterator[System]:
    """A system that keeps spills in the bucket."""
    yield from _one_system.use("system")


@pytest.fixture
def slow_system(_one_system: _OneSystem) -> Iterator[System]:
    """A system slow enough to meet every stage half done, with spills in a directory."""
    yield from _one_system.use("slow_system")


@pytest.fixture
def keeping_system(_one_system: _OneSystem) -> Iterator[System]:
    """A system that keeps two replaced revisions of each list, as is the default."""
    yield from _one_system.use("keeping_system")


@pytest.fixture
def node_home() -> Path:
    """Where scripts/setup-node puts Node and its packages; left out ``--without-node``."""
    assert (_NODE_HOME / "stamp").exists(), "run scripts/setup-node, or leave it --without-node"
    return _NODE_HOME
