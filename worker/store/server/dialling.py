"""Driver options and clients of an address: the only place where redis-py is told where to dial."""

from typing import Any, Final

from redis import ConnectionPool, Redis, RedisCluster
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from worker.redis_urls import RedisAddress
from worker.store.errors import StoreRefused
from worker.store.server.primary_connection import primary_only
from worker.store.server.role import ROLE_QUESTION, mode_in

#: What a connection through a Unix socket has no use for.
_TCP_ONLY: Final = frozenset(
    {"socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"}
)
#: What the driver reads from the label of a cluster's node.
_OF_LABEL: Final = frozenset({"host", "port", "db"})


def driver_options(address: RedisAddress, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - the driver's options
    """What a connection of redis-py takes besides its class, blocking or asyncio.

    Args:
        address: where to dial.
        others: further options; those that make sense for TCP only are left out of a Unix
            socket's.
    """
    place: dict[str, Any] = {"host": address.host, "port": address.port}
    if address.socket_path is not None:
        place = {"path": address.socket_path}
        others = {name: value for name, value in others.items() if name not in _TCP_ONLY}
    return {
        **place,
        **_tls_options(address),
        "db": address.database,
        "username": address.username,
        "password": address.password,
        "protocol": 2,
        **others,
    }


def primary_class(address: RedisAddress) -> type[Any]:
    """The class of blocking connections that speaks to this address, and to primaries only."""
    return primary_only(_any_class(address))


def open_client(address: RedisAddress, **options: Any) -> Redis:  # noqa: ANN401 - the driver's options
    """A client of one server, whatever its role; connects when first used.

    It closes its pool with itself.
    """
    pool = ConnectionPool(
        connection_class=_any_class(address), **driver_options(address, **options)
    )
    return Redis.from_pool(pool)


def open_primary(
    address: RedisAddress,
    *,
    pool_class: type[ConnectionPool] = ConnectionPool,
    **options: Any,  # noqa: ANN401 - the driver's and the pool's options
) -> Redis:
    """The same, but a server that is no primary counts as one that does not answer."""
    pool = pool_class(connection_class=primary_class(address), **driver_options(address, **options))
    return Redis.from_pool(pool)


def open_cluster(
    address: RedisAddress,
    *,
    pool_class: type[ConnectionPool],
    **options: Any,  # noqa: ANN401 - the driver's and the pool's options
) -> RedisCluster:
    """A client of a cluster, which is asked for its nodes at once.

    No role is asked for: a node that is no primary says MOVED.

    Raises:
        StoreRefused: a cluster cannot be reached by such an address.
        redis.RedisError: the driver's own, to be translated.
    """
    if address.socket_path is not None or address.database:
        message = (
            f"the server at {address.name} is a cluster, which has database 0 only and is not "
            "reached through a Unix socket; set BIGSEG_REDIS_URL to host and port of a node"
        )
        raise StoreRefused(message)
    given = driver_options(address, **options)
    chosen = {name: value for name, value in given.items() if name not in _OF_LABEL}
    # The driver uses another class of pools only when it is given a URL.
    return RedisCluster.from_url(address.label, connection_pool_class=pool_class, **chosen)


def is_cluster(client: Redis) -> bool:
    """Whether a server is a node of a cluster. Cost: one round trip.

    Asked with the command that tells the role, because INFO is often forbidden.
    """
    return mode_in(client.execute_command(ROLE_QUESTION)) == "cluster"


def _any_class(address: RedisAddress) -> type[Any]:
    if address.socket_path is not None:
        return UnixDomainSocketConnection
    return SSLConnection if address.tls is not None else Connection


def _tls_options(address: RedisAddress) -> dict[str, Any]:
    tls = address.tls
    if tls is None:
        return {}
    return {
        "ssl_cert_reqs": "required" if tls.verify else "none",
        "ssl_check_hostname": tls.check_host,
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
