"""Which imports may have a preview, so that one can be changed after its import has ended."""

from typing import Final

from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import JobRef
from worker.store.keyspace import EnvironmentRef
from worker.store.server import Database, driver_errors

_DROPPED_PER_CALL: Final = 1_000


class PreviewIndex:
    """Imports by the time at which their preview was taken; their records may expire before.

    Every method may raise ``StoreUnavailable`` and is safe to retry. Cost: one round trip each.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, ref: JobRef) -> None:
        """List an import, before its preview is written; drop those of records long gone."""
        key, now_ms = self._db.keys.previews(ref.env), self._db.now_ms()
        with driver_errors(f"list the preview of {ref}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.zadd(key, {ref.job_id: now_ms})
            pipeline.expire(key, 2 * ABANDONED_S)
            gone_ms = now_ms - 2 * ABANDONED_S * 1_000
            pipeline.zrangebyscore(key, 0, gone_ms, start=0, num=_DROPPED_PER_CALL)
            dropped = pipeline.execute()[-1]
            if dropped:
                self._db.client.zrem(key, *dropped)

    def find_all(self, env: EnvironmentRef) -> list[JobRef]:
        """The imports of an environment, the first one first."""
        with driver_errors(f"list previews of {env.environment}"):
            found = self._db.client.zrange(self._db.keys.previews(env), 0, -1, withscores=True)
        return [JobRef("import", env, name.decode()) for name, _ in found]

    def forget(self, env: EnvironmentRef) -> None:
        """Drop those of a deleted environment. Idempotent."""
        with driver_errors(f"forget previews of {env.environment}"):
            self._db.client.unlink(self._db.keys.previews(env))
