"""When the files of exports are to be deleted."""

from typing import Final

from worker.store.jobs.records import JobRef
from worker.store.keyspace import EnvironmentRef
from worker.store.server import Database, driver_errors

_FILES_PER_CALL: Final = 100
_NAMES_PER_CALL: Final = 1_000


class ExportFiles:
    """Exports by the time at which their file is deleted.

    Every method may raise ``StoreUnavailable`` and is safe to retry. Cost: one round trip each.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def expire(self, ref: JobRef, due_ms: int) -> None:
        """Record when an export's file is to be deleted."""
        with driver_errors(f"record when the file of {ref} expires"):
            self._db.client.zadd(self._db.keys.expiring_exports(), {str(ref): due_ms})

    def expired(self, now_ms: int) -> list[JobRef]:
        """Exports whose file is due to be deleted, at most 100."""
        with driver_errors("list expired exports"):
            found = self._db.client.zrangebyscore(
                self._db.keys.expiring_exports(), 0, now_ms, start=0, num=_FILES_PER_CALL
            )
        return [JobRef.parse(text.decode()) for text in found]

    def listed(self, env: EnvironmentRef) -> list[JobRef]:
        """All exports of an environment that have a file. Cost: a round trip for 1,000 of any."""
        key, own = self._db.keys.expiring_exports(), str(JobRef("export", env, ""))
        names, cursor = set[str](), 0
        with driver_errors(f"list the exports of {env.environment}"):
            while True:
                cursor, found = self._db.client.zscan(key, cursor, count=_NAMES_PER_CALL)
                names |= {name.decode() for name, _ in found}
                if not cursor:
                    break
        return [JobRef.parse(name) for name in sorted(names) if name.startswith(own)]

    def forget(self, ref: JobRef) -> None:
        """Record that an export's file is deleted; idempotent."""
        with driver_errors(f"forget the file of {ref}"):
            self._db.client.zrem(self._db.keys.expiring_exports(), str(ref))
