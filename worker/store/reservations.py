"""Giving back the memory that was set aside for a build."""

from worker.store.connections import driver_errors
from worker.store.jobs import JobRef
from worker.store.opening import Store


def release_memory(store: Store, ref: JobRef) -> None:
    """Give back what was set aside for an import; idempotent.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    with driver_errors(f"release memory of {ref}"):
        store.client.hdel(store.keyspace.reservations(), str(ref))
