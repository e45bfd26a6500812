"""Giving back the memory that was set aside for a build."""

from worker.store.jobs.records import JobRef
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database


def release_memory(database: Database, ref: JobRef) -> None:
    """Give back what was set aside for an import; idempotent.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    with driver_errors(f"release memory of {ref}"):
        database.client.hdel(database.keys.reservations(), str(ref))
