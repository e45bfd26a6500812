"""A whole system that SDKs evaluate against."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.sdks.connecting import Connection
from tests.support.sdks.flags import flags_of
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, PRODUCTION
from tests.support.systems.system import System
from worker.store.sdk_store import SdkStoreSettings

_FLAGS: Final = f"/api/v2/flag-data/{PRODUCTION.project}/{PRODUCTION.environment}"


def put_flags(system: System, *segments: str) -> None:
    """Have one flag for each of these segments, and no other."""
    reply = system.http.put(_FLAGS, json=flags_of(segments))
    assert reply.status_code == 200, reply.text


@contextmanager
def connected_system(system: System, prefix: str) -> Iterator[Connection]:
    """Have a system keep the sets that SDKs read; nothing of them is left at the end."""
    store = system.store
    store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=True, prefix=prefix))
    _, key = store.sdk_keys.create(
        store.projects.get(PRODUCTION.project),
        environment=PRODUCTION.environment,
        label=None,
        created_by="test",
        launchdarkly=True,
    )
    yield Connection(key, system.url, system.server.url, prefix)
    put_flags(system)
    store.sdk_store.put_settings(PRODUCTION, SdkStoreSettings(on=False, prefix=prefix))
    wait_until(lambda: not store.sdk_store.environments(), "the sets are removed", LIMIT_S)
