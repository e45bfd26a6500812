"""Which imports and exports there have been lately: indexes of records, the newest first."""

import logging
from collections.abc import Sequence
from typing import Final, Generic, Literal

from worker.batches import batches
from worker.store.errors import UnreadableRecord
from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import ImportRequest, JobOverview, JobRef, Request
from worker.store.jobs.stage_state import OVERVIEW_FIELDS, PREVIEW, decode_overview
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.server import Database, driver_errors

logger = logging.getLogger("bigseg.jobs")

#: Imports, or exports, of a list, and of an environment, that can be listed.
MOST_OF_LIST: Final = 100
MOST_OF_ENVIRONMENT: Final = 1_000

_OVERVIEWS_PER_CALL: Final = 200


class JobIndex(Generic[Request]):
    """Ids of the newest imports, or of the newest exports, of each list and environment.

    Their records may expire before.

    Every method may raise ``StoreUnavailable`` and is safe to retry.
    """

    def __init__(self, database: Database, job_retention_s: int, kind: type[Request]) -> None:
        self._db = database
        self._kind: type[Request] = kind
        self._keep_s = ABANDONED_S + job_retention_s

    def add(self, request: Request) -> None:
        """List a job, and leave only the newest. Idempotent. Cost: one round trip."""
        ref = request.list_ref
        bounds = {self._key(ref): MOST_OF_LIST}
        if not ref.env.is_of_project:  # nobody lists those of all attached lists
            bounds[self._key(ref.env)] = MOST_OF_ENVIRONMENT
        with driver_errors(f"list {request.ref}"):
            pipeline = self._db.client.pipeline(transaction=True)
            for key, most in bounds.items():
                pipeline.zadd(key, {request.ref.job_id: request.created_ms})
                pipeline.expire(key, self._keep_s)
                pipeline.zrange(key, 0, -1 - most)
            replies = pipeline.execute()
            for key, surplus in zip(bounds, replies[2::3], strict=True):
                if surplus:
                    self._db.client.zrem(key, *surplus)

    def newest(self, list_ref: ListRef) -> list[JobRef]:
        """Those of a list whose records are kept, newest first. Cost: two round trips."""
        return [overview.request.ref for overview in self.overviews(list_ref)]

    def overviews(
        self,
        of: ListRef | EnvironmentRef,
        *,
        after_ms: int | None = None,
        before_ms: int | None = None,
    ) -> list[JobOverview[Request]]:
        """What the jobs of a list, or of an environment, are; the newest first.

        Those whose records have expired are left out, and so are damaged ones. Jobs of the same
        millisecond stay in one order. Cost: two round trips, and one for each further 200 jobs.

        Args:
            of: The list or the environment.
            after_ms: Only those created later, Unix ms.
            before_ms: Only those created earlier.
        """
        env = of.env if isinstance(of, ListRef) else of
        with driver_errors(f"list jobs of {env.environment}"):
            found = self._db.client.zrange(self._key(of), 0, -1, withscores=True)
        refs = [
            JobRef(self._name, env, name.decode())
            for name, created_ms in reversed(found)
            if (after_ms is None or created_ms > after_ms)
            and (before_ms is None or created_ms < before_ms)
        ]
        return self._read(refs)

    def _read(self, refs: Sequence[JobRef]) -> list[JobOverview[Request]]:
        overviews = []
        for group in batches(refs, _OVERVIEWS_PER_CALL):
            with driver_errors("read jobs"):
                pipeline = self._db.client.pipeline(transaction=False)
                for ref in group:
                    pipeline.hmget(
                        self._db.keys.job(ref.env, ref.kind, ref.job_id), OVERVIEW_FIELDS
                    )
                replies = pipeline.execute()
            for ref, values in zip(group, replies, strict=True):
                try:
                    overview = decode_overview(ref, values, self._kind)
                except UnreadableRecord as exc:
                    logger.warning("job.unlisted", extra={"job": str(ref), "reason": str(exc)})
                    continue
                if overview is not None:
                    overviews.append(overview)
        return overviews

    def forget(self, of: ListRef | EnvironmentRef) -> None:
        """Drop the index of a deleted list or environment; the records stay. Idempotent.

        What records of a list's imports hold of its keys, their previews, goes with it.
        """
        key, keys = self._key(of), self._db.keys
        with driver_errors("forget jobs"):
            pipeline = self._db.client.pipeline(transaction=False)
            if isinstance(of, ListRef) and self._kind is ImportRequest:
                for name, _ in self._db.client.zrange(key, 0, -1, withscores=True):
                    pipeline.hdel(keys.job(of.env, "import", name.decode()), PREVIEW.name)
            pipeline.unlink(key)
            pipeline.execute()

    @property
    def _name(self) -> Literal["import", "export"]:
        return "import" if self._kind is ImportRequest else "export"

    def _key(self, of: ListRef | EnvironmentRef) -> str:
        keys, imports = self._db.keys, self._kind is ImportRequest
        if isinstance(of, ListRef):
            return keys.imports(of) if imports else keys.exports(of)
        return keys.environment_imports(of) if imports else keys.environment_exports(of)
