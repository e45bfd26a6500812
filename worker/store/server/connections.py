"""Connections to a server, and the one table that turns redis-py's errors into the store's.

This is the only place where redis-py is given an address. No client retries by itself: a
command that changed something may have been applied although its answer was lost, and only
the scripts know how to be run twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from redis import ConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry

from worker.redis_urls import RedisAddress
from worker.settings import StoreSettings
from worker.store.errors import (
    Fenced,
    ListUnknown,
    OutOfMemory,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)
from worker.store.server.client import Client
from worker.store.server.connection_pool import BoundedPool
from worker.store.server.primary import ROLE_QUESTION, NotPrimaryError, mode_in, primary_only

#: Host and port of a node of a cluster; ``None`` is the single server.
Node = tuple[str, int] | None

#: Options that a connection through a Unix socket does not take.
_TCP_ONLY: Final = frozenset(
    {"socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"}
)
#: What the driver reads from the label of a cluster's node.
_OF_LABEL: Final = frozenset({"host", "port", "db"})
#: Answers that another try may not get: the server is starting, failing over or moving slots
#: (MOVED is a kind of ASK to the driver).
_TRANSIENT: Final = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisConnectionError,
    RedisTimeoutError,
    TryAgainError,
)
_TRANSIENT_CODES: Final = ("MASTERDOWN", "UNBLOCKED", "NOREPLICAS", "BUSY ", "MISCONF")
#: Ends of messages that say more than their class does; others may name hosts or users.
_NO_CONNECTION: Final = ("max number of clients reached", "connections are in use")
_OURS: Final[dict[str, type[StoreError]]] = {"FENCED": Fenced, "DAMAGED": ListUnknown}


def connect(settings: StoreSettings, address: RedisAddress | None = None) -> Client:
    """Open a client for everything but the look-ups of the API; detects a cluster.

    It holds at most ``settings.redis_connections`` to a server, and talks to primaries only:
    a single server is asked for its role on every connection, and a node of a cluster that
    is not a primary answers MOVED.

    Args:
        settings: How long to wait, how many connections, and where the store is.
        address: Where to connect instead.

    Raises:
        StoreRefused: it is a cluster, and the URL names a database or a Unix socket.
    """
    address = address or settings.store_address
    bounded = {
        "max_connections": settings.redis_connections,
        "timeout": settings.redis_timeout_s,
        **_options(settings),
    }
    with driver_errors(f"connect to {address.name}"):
        # With a client of its own: the URL of a cluster may name a replica.
        with open_client(address, **_options(settings)) as client:
            cluster = is_cluster(client)
        if cluster:
            return cast("Client", open_cluster(address, pool_class=BoundedPool, **bounded))
        return cast("Client", open_primary(address, pool_class=BoundedPool, **bounded))


def _options(settings: StoreSettings) -> dict[str, Any]:
    return {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": settings.redis_timeout_s,
        "socket_connect_timeout": settings.redis_timeout_s,
        "socket_keepalive": True,
        "health_check_interval": 0,
    }


def node_address(client: Client, key: str) -> Node:
    """Where the primary that holds ``key`` listens.

    Raises:
        StoreUnavailable: no node holds it. Safe to retry.
    """
    if not isinstance(client, RedisCluster):
        return None
    node = _cluster_node(client, key)
    return str(node.host), int(node.port)


def node_client(client: Client, key: str) -> Redis:
    """The client of the primary that holds ``key``; raises as :func:`node_address`."""
    if isinstance(client, RedisCluster):
        return client.get_redis_connection(_cluster_node(client, key))
    return cast("Redis", client)


def server_clients(client: Client) -> list[Redis]:
    """A client of each primary there is."""
    if isinstance(client, RedisCluster):
        return [client.get_redis_connection(node) for node in client.get_primaries()]
    return [cast("Redis", client)]


def _cluster_node(client: RedisCluster, key: str) -> ClusterNode:
    with driver_errors(f"find the node of {key}"):
        node: ClusterNode | None = client.get_node_from_key(key)
    if node is None:
        message = f"no node holds the slot of {key}; wait until the cluster is whole"
        raise StoreUnavailable(message)
    return node


def driver_options(address: RedisAddress, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - the driver's options
    """The options of a redis-py connection to an address, blocking or asyncio.

    Args:
        address: where to connect.
        others: further options; for a Unix socket, those that only TCP has are dropped.
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
    """The class of blocking connections to this address that accept primaries only."""
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
    """The same, but a server that is not a primary counts as one that does not answer."""
    pool = pool_class(connection_class=primary_class(address), **driver_options(address, **options))
    return Redis.from_pool(pool)


def open_cluster(
    address: RedisAddress,
    *,
    pool_class: type[ConnectionPool],
    **options: Any,  # noqa: ANN401 - the driver's and the pool's options
) -> RedisCluster:
    """A client of a cluster; asks for its nodes at once.

    It does not ask for roles: a node that is not a primary answers MOVED.

    Raises:
        StoreRefused: the address names a database or a Unix socket.
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


@contextmanager
def driver_errors(what: str) -> Iterator[None]:
    """Translate whatever redis-py raises inside; ``what`` names the step and its subject.

    Raises:
        StoreUnavailable: no answer, or one that a retry may change.
        OutOfMemory: the server refused to write.
        Fenced: the import no longer holds its list.
        ListUnknown: a shard is missing.
        StoreRefused: any other refusal.
    """
    try:
        yield
    except NotPrimaryError as exc:
        raise StoreUnavailable(f"could not {what}: {exc}; retry") from exc
    except _TRANSIENT as exc:
        message = f"could not {what}: the store did not answer ({_reason(exc)}); retry"
        raise StoreUnavailable(message) from exc
    except (ResponseError, RedisError) as exc:
        raise _translate(what, exc) from exc


def _reason(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(_NO_CONNECTION) else type(exc).__name__


def _translate(what: str, exc: RedisError) -> StoreError:
    text = str(exc)
    if type(exc).__name__ == "OutOfMemoryError" or "OOM" in text.partition("used memory")[0]:
        return OutOfMemory(f"could not {what}: the store is out of memory; add memory or free some")
    for word, ours in _OURS.items():
        if word in text:
            return ours(f"could not {what}: {text}")
    if text.startswith(_TRANSIENT_CODES):
        return StoreUnavailable(f"could not {what}: {text}; retry")
    return StoreRefused(f"could not {what}: the store refused: {text[:200]}")
