"""Pins: what keeps a revision from being retired while it is read."""

from worker.store.errors import SegmentNotFound
from worker.store.keyspace import ListRef
from worker.store.lists.revisions import Revision
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database


def pin(database: Database, ref: ListRef, holder: str, ttl_ms: int) -> Revision:
    """Pin the live revision for one holder, or renew the pin that it has.

    The pin ends by itself, so a holder that died keeps no memory.

    Raises:
        SegmentNotFound: the list was deleted.
        StoreUnavailable: no answer. Safe to retry.
    """
    record = database.keys.list_record(ref)
    reply = database.run(f"pin {ref.name}", "pin", [record], [holder, ttl_ms])
    if not reply:
        message = f"list {ref.name} has no live revision"
        raise SegmentNotFound(message)
    return Revision.parse(reply[0])


def unpin(database: Database, ref: ListRef, holder: str) -> None:
    """Take a pin off; idempotent."""
    with driver_errors(f"unpin {ref.name}"):
        database.client.hdel(database.keys.list_record(ref), f"pin:{holder}")
