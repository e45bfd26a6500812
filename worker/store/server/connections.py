"""Clients of the store, and the one table that turns driver errors into ours.

No client retries by itself: a command that changed something may have been applied
although its answer was lost, and only the scripts know how to be run twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
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
from worker.store.server.dialling import is_cluster, open_client, open_cluster, open_primary
from worker.store.server.primary_connection import NotPrimaryError

#: Host and port of a node of a cluster; ``None`` is the single server.
Node = tuple[str, int] | None

#: Answers that another try may change: the server is starting, failing over or moving slots
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


def connect(settings: StoreSettings) -> Client:
    """Open a client for control work and for workers; a cluster is found out by asking.

    It holds at most ``settings.redis_connections`` to a server, and talks to primaries only:
    a single server is asked for its role on every connection, and a node of a cluster that
    is no primary says MOVED.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        StoreRefused: it is a cluster, and the URL names a database or a Unix socket.
    """
    address = settings.store_address
    bounded = {
        "max_connections": settings.redis_connections,
        "timeout": settings.redis_timeout_s,
        **_options(settings),
    }
    with driver_errors(f"connect to {address.name}"):
        # Asked apart: the URL of a cluster may name a replica.
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
    """The client of the one primary that holds ``key``; raises as :func:`node_address`."""
    if isinstance(client, RedisCluster):
        return client.get_redis_connection(_cluster_node(client, key))
    return cast("Redis", client)


def _cluster_node(client: RedisCluster, key: str) -> ClusterNode:
    with driver_errors(f"find the node of {key}"):
        node: ClusterNode | None = client.get_node_from_key(key)
    if node is None:
        message = f"no node holds the slot of {key}; wait until the cluster is whole"
        raise StoreUnavailable(message)
    return node


@contextmanager
def driver_errors(what: str) -> Iterator[None]:
    """Translate whatever redis-py raises inside; ``what`` names the step and its id.

    Raises:
        StoreUnavailable: no or a passing answer. Safe to retry.
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
        raise _translated(what, exc) from exc


def _reason(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(_NO_CONNECTION) else type(exc).__name__


def _translated(what: str, exc: RedisError) -> StoreError:
    text = str(exc)
    if type(exc).__name__ == "OutOfMemoryError" or "OOM" in text.partition("used memory")[0]:
        return OutOfMemory(f"could not {what}: the store is out of memory; add memory or free some")
    for word, ours in _OURS.items():
        if word in text:
            return ours(f"could not {what}: {text}")
    if text.startswith(_TRANSIENT_CODES):
        return StoreUnavailable(f"could not {what}: {text}; retry")
    return StoreRefused(f"could not {what}: the store refused: {text[:200]}")
