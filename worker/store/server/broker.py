"""Looking at the broker before it is relied on."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.settings import StoreSettings
from worker.store.errors import BrokerRefused
from worker.store.server.connections import driver_errors
from worker.store.server.dialling import is_cluster, open_primary
from worker.store.server.rights import Rights, forbidden_useful, missing_rights, rights_message


def check_broker(settings: StoreSettings, rights: Rights) -> None:
    """Ask the broker for a sign of life and make sure that it can be used.

    Cost: a connection and four round trips.

    Raises:
        BrokerRefused: the broker is a cluster, or its user lacks rights.
        StoreUnavailable: no answer, or a replica's. Safe to retry.
    """
    name = settings.broker_address.name
    with _client(settings) as client, driver_errors(f"ask the broker at {name}"):
        refused = is_cluster(client)
        missing = () if refused else missing_rights(client, settings.key_prefix, rights.needed)
    if refused:
        message = (
            f"the broker at {name} is a cluster, over which its lists "
            "cannot be spread; set BIGSEG_BROKER_URL to a single server"
        )
        raise BrokerRefused(message)
    if missing:
        raise BrokerRefused(rights_message("broker", name, settings.key_prefix, missing))


def slower_broker_ways(settings: StoreSettings, rights: Rights) -> dict[str, str]:
    """Commands forbidden to the broker's user, and what is done instead.

    Cost: a connection and three round trips.

    Raises:
        StoreUnavailable: no answer, or a replica's. Safe to retry.
    """
    if not rights.useful:
        return {}
    name = settings.broker_address.name
    with _client(settings) as client, driver_errors(f"ask the broker at {name}"):
        return forbidden_useful(client, settings.key_prefix, rights)


def _client(settings: StoreSettings) -> Redis:
    return open_primary(
        settings.broker_address,
        socket_timeout=settings.redis_timeout_s,
        socket_connect_timeout=settings.redis_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
