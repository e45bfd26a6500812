"""How many messages wait at the broker."""

from worker.settings import StoreSettings
from worker.store.server.checks import open_broker
from worker.store.server.connections import driver_errors


def queue_depths(settings: StoreSettings, queues: tuple[str, ...]) -> dict[str, int]:
    """Messages that wait in these queues. Cost: a connection and a round trip each.

    Raises:
        StoreUnavailable: the broker does not answer, or is a replica.
    """
    name = settings.broker_address.name
    with open_broker(settings) as client, driver_errors(f"ask the broker at {name} for its queues"):
        return {
            queue: int(client.llen(f"{settings.key_prefix}:broker:{queue}")) for queue in queues
        }
