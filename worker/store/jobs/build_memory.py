"""Memory of the store that running builds have reserved."""

from worker.store.jobs.records import JobRef
from worker.store.keyspace import ListRef
from worker.store.server import Database, driver_errors, memory_of, node_client


class BuildMemory:
    """What each build may still write, so that two of them do not count on the same memory.

    Every method may raise ``StoreUnavailable`` and is safe to retry. Cost: one round trip each,
    but for those that say otherwise.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def reserve(self, ref: JobRef, needed_bytes: int) -> None:
        """Reserve memory for a build."""
        with driver_errors(f"reserve memory for {ref}"):
            self._db.client.hset(self._db.keys.reservations(), str(ref), needed_bytes)

    def limit(self, ref: JobRef, most_bytes: int) -> None:
        """Lower the reservation of a build to this at most. Cost: at most two round trips."""
        key, name = self._db.keys.reservations(), str(ref)
        with driver_errors(f"reserve memory for {ref}"):
            if int(self._db.client.hget(key, name) or 0) > most_bytes:
                self._db.client.hset(key, name, most_bytes)

    def release(self, ref: JobRef) -> None:
        """Drop the reservation of a build; idempotent."""
        with driver_errors(f"release memory of {ref}"):
            self._db.client.hdel(self._db.keys.reservations(), str(ref))

    def reserved(self, *, apart_from: JobRef | None = None) -> int:
        """Bytes that all builds have reserved, or all but one."""
        with driver_errors("read what builds have reserved"):
            reserved = self._db.client.hgetall(self._db.keys.reservations())
        return sum(int(size) for name, size in reserved.items() if name.decode() != str(apart_from))

    def free(self, ref: JobRef | None, list_ref: ListRef, headroom: float) -> int | None:
        """Bytes on the list's server that are neither used nor reserved by other builds.

        Cost: two round trips.

        Args:
            ref: The job, whose own reservation does not count; ``None`` for none.
            list_ref: The list.
            headroom: Share of the server's limit that is kept free.

        Returns:
            ``None`` when the server has no memory limit, or its user may not ask for it.
        """
        node = node_client(self._db.client, self._db.keys.list_record(list_ref))
        memory = memory_of(node)
        if memory is None or memory.limit_bytes == 0:
            return None
        others = self.reserved(apart_from=ref)
        return int(memory.limit_bytes * (1 - headroom)) - memory.used_bytes - others
