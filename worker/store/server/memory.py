"""How much memory a server uses and may use."""

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import NoPermissionError

from worker.store.server.connections import driver_errors


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """The memory of one server."""

    used_bytes: int
    limit_bytes: int
    """0: no limit."""


def memory_of(server: Redis) -> ServerMemory | None:
    """Ask a server; ``None`` if its user may not. Cost: one round trip.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    with driver_errors("ask the store for its memory"):
        try:
            info = server.info("memory")
        except NoPermissionError:  # logged once, at the start
            return None
    return ServerMemory(int(info["used_memory"]), int(info.get("maxmemory", 0)))
