"""Which imports a list has had lately: an index of their records, the newest first."""

from typing import Final

from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import ImportRequest, JobRef
from worker.store.keyspace import ListRef
from worker.store.server import Database, driver_errors

#: Imports of a list that can be listed.
MOST_IMPORTS: Final = 100


class ImportIndex:
    """Ids of each list's newest imports. The records themselves may expire before that.

    Every method may raise ``StoreUnavailable`` and is safe to retry.
    """

    def __init__(self, database: Database, job_retention_s: int) -> None:
        self._db = database
        self._keep_s = ABANDONED_S + job_retention_s

    def add(self, request: ImportRequest) -> None:
        """List an import, and leave only the newest hundred. Idempotent. Cost: one round trip."""
        key = self._db.keys.imports(request.list_ref)
        with driver_errors(f"list {request.ref}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.zadd(key, {request.import_id: request.created_ms})
            pipeline.expire(key, self._keep_s)
            pipeline.zrange(key, 0, -1)
            *_, listed = pipeline.execute()
            if len(listed) > MOST_IMPORTS:
                self._db.client.zrem(key, *listed[:-MOST_IMPORTS])

    def newest(self, list_ref: ListRef) -> list[JobRef]:
        """The imports of a list whose records are kept, newest first. Cost: two round trips."""
        keys, env = self._db.keys, list_ref.env
        with driver_errors(f"list imports of {list_ref.name}"):
            found = self._db.client.zrange(keys.imports(list_ref), 0, -1, withscores=True)
            refs = [JobRef("import", env, name.decode()) for name, _ in reversed(found)]
            pipeline = self._db.client.pipeline(transaction=False)
            for ref in refs:
                pipeline.hexists(keys.job(env, ref.kind, ref.job_id), "request")
            kept = pipeline.execute() if refs else []
        return [ref for ref, is_kept in zip(refs, kept, strict=True) if is_kept]

    def forget(self, list_ref: ListRef) -> None:
        """Drop the index of a deleted list; the records stay. Idempotent."""
        with driver_errors(f"forget imports of {list_ref.name}"):
            self._db.client.unlink(self._db.keys.imports(list_ref))
