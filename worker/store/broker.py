"""Looking at the broker before it is relied on."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from worker.settings import StoreSettings
from worker.store.connections import driver_errors, redacted
from worker.store.errors import BrokerRefused
from worker.store.primary_connection import primary_only


def check_broker(settings: StoreSettings) -> None:
    """Ask the broker for a sign of life and make sure that it is a primary and no cluster.

    Cost: a connection and a few round trips.

    Raises:
        BrokerRefused: the broker is a cluster.
        StoreUnavailable: no answer, or a replica's. Safe to retry.
    """
    client = Redis.from_url(
        settings.broker,
        connection_class=primary_only(
            parse_url(settings.broker).get("connection_class", Connection)
        ),
        socket_timeout=settings.redis_timeout_s,
        socket_connect_timeout=settings.redis_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
    with client, driver_errors(f"ask the broker at {redacted(settings.broker)}"):
        is_cluster = bool(client.info("cluster").get("cluster_enabled"))
    if is_cluster:
        message = (
            f"the broker at {redacted(settings.broker)} is a cluster, over which its lists "
            "cannot be spread; set BIGSEG_BROKER_URL to a single server"
        )
        raise BrokerRefused(message)
