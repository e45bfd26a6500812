"""The server below the store: connections to it, its checks, and its scripts."""

from worker.store.server.checks import broker_fallbacks, check_broker
from worker.store.server.client import Client
from worker.store.server.connections import (
    Node,
    connect,
    driver_errors,
    driver_options,
    node_address,
    node_client,
    open_client,
    primary_class,
    server_clients,
)
from worker.store.server.database import Database, open_database
from worker.store.server.exchange import ReplyReader, first_error
from worker.store.server.memory import memory_of
from worker.store.server.pipelining import run_each
from worker.store.server.primary import (
    ROLE_COUNTS_S,
    ROLE_QUESTION,
    TURNED_AWAY,
    code_of,
    reason_of,
    role_in,
)
from worker.store.server.queues import queue_depths
from worker.store.server.rights import (
    BROKER_OF_API,
    BROKER_OF_BEAT,
    BROKER_OF_WORKER,
    STORE_OF_API,
    STORE_OF_WORKER,
    Rights,
)

__all__ = [
    "BROKER_OF_API",
    "BROKER_OF_BEAT",
    "BROKER_OF_WORKER",
    "ROLE_COUNTS_S",
    "ROLE_QUESTION",
    "STORE_OF_API",
    "STORE_OF_WORKER",
    "TURNED_AWAY",
    "Client",
    "Database",
    "Node",
    "ReplyReader",
    "Rights",
    "broker_fallbacks",
    "check_broker",
    "code_of",
    "connect",
    "driver_errors",
    "driver_options",
    "first_error",
    "memory_of",
    "node_address",
    "node_client",
    "open_client",
    "open_database",
    "primary_class",
    "queue_depths",
    "reason_of",
    "role_in",
    "run_each",
    "server_clients",
]
