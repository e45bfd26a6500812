"""The S3 stand-in of `bigseg up`, which keeps conditions of copies and deletions, and an inbox."""

from collections.abc import Iterator

import pytest

from tests.support.servers.objects import CREDENTIALS, ObjectServer, running_stand_in
from tests.support.servers.redis import Server
from tests.support.systems.imports import imports_in_process
from tests.support.systems.inbox import InboxWorld


@pytest.fixture(scope="package")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with running_stand_in(tmp_path_factory.mktemp("s3") / "objects") as server:
            yield server


@pytest.fixture(scope="module")
def _world(valkey_server: Server, stand_in: ObjectServer) -> Iterator[InboxWorld]:
    with imports_in_process(valkey_server, stand_in, lease_s=0.25, inbox_poll_s=0.06) as imports:
        yield InboxWorld.of(imports)


@pytest.fixture
def world(_world: InboxWorld) -> Iterator[InboxWorld]:
    """An inbox that is empty."""
    yield _world
    _world.empty()
