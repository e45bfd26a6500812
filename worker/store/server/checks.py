"""Checks of a server before it is relied on: what its user may run, and what kind it is."""

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, ResponseError
from redis.retry import Retry

from worker.settings import StoreSettings
from worker.store.errors import BrokerRefused, RightsMissing
from worker.store.server.client import Client
from worker.store.server.connections import driver_errors, is_cluster, node_client, open_primary
from worker.store.server.rights import KEY, STORE_OF_API, Commands, Rights

#: Names the key that the commands below would touch if any of them were run; none is.
_PROBE = "rights-probe"


def check_store(client: Client, key_prefix: str, server: str) -> None:
    """Check that the store's user may run what is needed. Cost: two round trips.

    Raises:
        RightsMissing: it may not.
    """
    with driver_errors("check the rights of the store's user"):
        missing = _find_missing(_store_node(client, key_prefix), key_prefix, STORE_OF_API.needed)
    if missing:
        raise RightsMissing(_describe_missing("store", server, key_prefix, missing))


def store_fallbacks(client: Client, key_prefix: str, rights: Rights) -> dict[str, str]:
    """Optional commands that the store's user may not run, and what is done instead.

    Cost: two round trips.
    """
    with driver_errors("check the rights of the store's user"):
        return _find_fallbacks(_store_node(client, key_prefix), key_prefix, rights)


def check_broker(settings: StoreSettings, rights: Rights) -> None:
    """Check that the broker answers and can be used.

    Cost: a connection and four round trips.

    Raises:
        BrokerRefused: the broker is a cluster, or its user lacks rights.
        StoreUnavailable: no answer, or the server is a replica.
    """
    name = settings.broker_address.name
    with open_broker(settings) as client, driver_errors(f"check the broker at {name}"):
        refused = is_cluster(client)
        missing = () if refused else _find_missing(client, settings.key_prefix, rights.needed)
    if refused:
        message = (
            f"the broker at {name} is a cluster, over which its lists "
            "cannot be spread; set BIGSEG_BROKER_URL to a single server"
        )
        raise BrokerRefused(message)
    if missing:
        raise BrokerRefused(_describe_missing("broker", name, settings.key_prefix, missing))


def broker_fallbacks(settings: StoreSettings, rights: Rights) -> dict[str, str]:
    """Optional commands that the broker's user may not run, and what is done instead.

    Cost: a connection and three round trips.

    Raises:
        StoreUnavailable: no answer, or the server is a replica.
    """
    if not rights.optional:
        return {}
    name = settings.broker_address.name
    with open_broker(settings) as client, driver_errors(f"check the broker at {name}"):
        return _find_fallbacks(client, settings.key_prefix, rights)


def open_broker(settings: StoreSettings) -> Redis:
    """A client of the broker; connects when first used."""
    return open_primary(
        settings.broker_address,
        socket_timeout=settings.redis_timeout_s,
        socket_connect_timeout=settings.redis_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


def _store_node(client: Client, key_prefix: str) -> Redis:
    return node_client(client, f"{key_prefix}:{_PROBE}")


def _describe_missing(what: str, name: str, key_prefix: str, missing: Sequence[str]) -> str:
    return (
        f"the user of the {what} at {name} may not run {', '.join(missing)} on keys "
        f"{key_prefix}:*; deploy/store.acl has the rights that bigseg needs"
    )


def _find_fallbacks(client: Redis, key_prefix: str, rights: Rights) -> dict[str, str]:
    commands = {name: optional.arguments for name, optional in rights.optional.items()}
    missing = _find_missing(client, key_prefix, commands)
    return {name: rights.optional[name].fallback for name in missing if name in commands}


def _find_missing(client: Redis, key_prefix: str, commands: Commands) -> tuple[str, ...]:
    """Those of the commands that this user may not run on keys that begin with the prefix.

    Each is queued in a transaction that is then discarded: a server refuses a forbidden
    command at that moment, and runs none of the others. Cost: two round trips.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    finished = False
    try:
        if not _is_allowed(connection, ["MULTI"]):
            finished = True
            return ("MULTI", "DISCARD")
        key = f"{key_prefix}:{_PROBE}"
        packed = [[*name.split(), *_fill_in(key, args)] for name, args in commands.items()]
        # Skips the role check, which would be queued too.
        connection.send_packed_command(
            connection.pack_commands([*packed, ["DISCARD"]]), check_health=False
        )
        replies = [_is_reply_allowed(connection) for _ in range(len(packed) + 1)]
        finished = replies[-1]
        names = (*commands, "DISCARD")
        return tuple(name for name, allowed in zip(names, replies, strict=True) if not allowed)
    finally:
        if not finished:
            connection.disconnect()
        pool.release(connection)


def _fill_in(key: str, arguments: Sequence[object]) -> list[object]:
    return [key if argument is KEY else argument for argument in arguments]


def _is_allowed(connection: Any, command: Sequence[object]) -> bool:  # noqa: ANN401 - the driver's
    connection.send_command(*command)
    return _is_reply_allowed(connection)


def _is_reply_allowed(connection: Any) -> bool:  # noqa: ANN401 - the driver's
    try:
        connection.read_response()
    except NoPermissionError:
        return False
    except ResponseError:  # refused for another reason, so the user may run it
        return True
    return True
