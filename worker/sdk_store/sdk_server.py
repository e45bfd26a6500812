"""The server that SDKs read."""

from redis import RedisCluster

from worker.sdk_store.errors import SdkStoreIsCluster
from worker.store import StoreSettings
from worker.store.server import Client, Database, connect, open_database


def connect_sdk_server(settings: StoreSettings, database: Database) -> Database:
    """Connect to the server that SDKs read. Cost: three round trips.

    Args:
        settings: Where it is.
        database: The store; its clock and its random names are used.

    Raises:
        SdkStoreIsCluster: SDKs cannot read it.
        StoreUnavailable: no answer. Safe to retry.
    """
    client = connect(settings, settings.sdk_store_address)
    try:
        _require_single(client, settings.sdk_store_address.name)
        return open_database(
            client,
            settings.key_prefix,
            now_ms=database.now_ms,
            random_name=database.random_name,
        )
    except BaseException:
        client.close()
        raise


def _require_single(client: Client, name: str) -> None:
    if isinstance(client, RedisCluster):
        message = (
            f"the server at {name} is a cluster, which SDKs cannot read: set BIGSEG_SDK_STORE_URL "
            "to a single server"
        )
        raise SdkStoreIsCluster(message)
