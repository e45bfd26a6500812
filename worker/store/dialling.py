"""Driver options and clients of an address: the only place where redis-py is told where to dial."""

from typing import Any, Final, cast

from redis import ConnectionPool, Redis, RedisCluster
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ResponseError

from worker.redis_urls import RedisAddress
from worker.store.errors import StoreRefused

#: What a connection through a Unix socket has no use for.
_TCP_ONLY: Final = frozenset(
    {"socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"}
)


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


def connection_class(address: RedisAddress) -> type[Any]:
    """The class of blocking connections that speaks to this address."""
    if address.socket_path is not None:
        return UnixDomainSocketConnection
    return SSLConnection if address.tls is not None else Connection


def open_client(address: RedisAddress, **options: Any) -> Redis:  # noqa: ANN401 - the driver's options
    """A client of one server; connects when first used, and closes its pool with itself."""
    pool = ConnectionPool(
        connection_class=connection_class(address), **driver_options(address, **options)
    )
    return Redis.from_pool(pool)


def open_cluster(address: RedisAddress, **options: Any) -> RedisCluster:  # noqa: ANN401 - the driver's options
    """A client of a cluster, which is asked for its nodes at once.

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
    chosen = driver_options(address, **options)
    del chosen["db"]
    return RedisCluster(**chosen, ssl=address.tls is not None)


def is_cluster(client: Redis) -> bool:
    """Whether a server is a node of a cluster. Cost: one round trip.

    Asked with HELLO, which any user may send, where INFO is often forbidden.
    """
    try:
        reply = client.execute_command("HELLO", 2)
    except ResponseError:  # a proxy, or a stand-in, that knows no HELLO
        return bool(client.info("cluster").get("cluster_enabled"))
    pairs = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
    return cast("bytes | str | None", pairs.get(b"mode", pairs.get("mode"))) in {
        b"cluster",
        "cluster",
    }


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
