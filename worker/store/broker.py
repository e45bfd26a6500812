"""Looking at the broker before it is relied on."""

from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.settings import StoreSettings
from worker.store.connections import driver_errors
from worker.store.dialling import is_cluster, open_client
from worker.store.errors import BrokerRefused


def check_broker(settings: StoreSettings) -> None:
    """Ask the broker for a sign of life and make sure that it is no cluster.

    Cost: a connection and one round trip.

    Raises:
        BrokerRefused: the broker is a cluster.
        StoreUnavailable: no answer. Safe to retry.
    """
    address = settings.broker_address
    client = open_client(
        address,
        socket_timeout=settings.redis_timeout_s,
        socket_connect_timeout=settings.redis_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
    with client, driver_errors(f"ask the broker at {address.name}"):
        refused = is_cluster(client)
    if refused:
        message = (
            f"the broker at {address.name} is a cluster, over which its lists "
            "cannot be spread; set BIGSEG_BROKER_URL to a single server"
        )
        raise BrokerRefused(message)
