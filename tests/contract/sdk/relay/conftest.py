"""A worker that follows environments of the tests' API, and the first such environment."""

from collections.abc import Iterator

import pytest

from tests.contract.sdk.relay.system import System, new_system
from tests.support.sdks.following import following
from tests.support.servers.api import Api
from tests.support.servers.redis import Server
from worker.store import StoreSettings, open_store


@pytest.fixture(scope="module")
def system(api: Api, valkey_server: Server) -> Iterator[System]:
    settings = StoreSettings.model_validate(
        {"redis_url": api.redis_url, "key_prefix": api.prefix, "sdk_store_url": api.redis_url}
    )
    with (
        open_store(settings) as store,
        valkey_server.client() as database,
        following(settings),
    ):
        yield new_system(api, store, database)
