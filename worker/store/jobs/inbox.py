"""What is known of the inbox: where to look soon, how far a listing is, what is settled.

Whether an object was taken is in none of this: its import has an id made from the object's name
and state, and the import's record is written once.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.batches import batches
from worker.store.jobs.job_store import ABANDONED_S
from worker.store.jobs.records import Mode
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.server import Database, driver_errors

#: Prefixes that can be noted; what is beyond is found by the next listing of everything.
MOST_HINTS: Final = 1_000
#: How long an object that was left in the inbox is known to be settled; then its tags are read
#: again.
_SETTLED_MS: Final = 90 * 86_400_000
_IDS_PER_CALL: Final = 500


@dataclass(frozen=True, slots=True)
class InboxScan:
    """How far a listing of the whole inbox is that takes several turns."""

    after: str = ""
    """The last key that was listed; empty at the beginning."""
    counted: int = 0
    """Objects found so far whose import has not begun."""
    waiting: int = 0
    """How many there were in the last listing that came to its end."""


class InboxStore:
    """Every method may raise ``StoreUnavailable`` and is safe to retry.

    Cost: one round trip each, but for those that say otherwise.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def note(self, prefixes: Sequence[str]) -> None:
        """Note prefixes of keys that are to be looked at soon. Cost: two round trips."""
        key, now_ms = self._db.keys.inbox_hints(), self._db.now_ms()
        with driver_errors("note what is new in the inbox"):
            room = max(0, MOST_HINTS - self._db.client.hlen(key))
            noted = dict.fromkeys(prefixes[:room], now_ms)
            if noted:
                pipeline = self._db.client.pipeline(transaction=False)
                pipeline.hset(key, mapping=noted)
                pipeline.execute()

    def take_noted(self) -> list[str]:
        """Take the prefixes that were noted; the caller looks at them. Cost: two round trips."""
        key = self._db.keys.inbox_hints()
        with driver_errors("read what is new in the inbox"):
            noted = [prefix.decode() for prefix in self._db.client.hkeys(key)]
            if noted:
                self._db.client.hdel(key, *noted)
        return sorted(noted)

    def scan(self) -> InboxScan:
        """How far the listing of everything is."""
        names = ["after", "counted", "waiting"]
        with driver_errors("read how far the listing of the inbox is"):
            found = self._db.client.hmget(self._db.keys.inbox_scan(), names)
        after, counted, waiting = found
        return InboxScan((after or b"").decode(), int(counted or 0), int(waiting or 0))

    def put_scan(self, scan: InboxScan) -> None:
        """Keep how far the listing of everything is."""
        with driver_errors("keep how far the listing of the inbox is"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hset(self._db.keys.inbox_scan(), mapping=dataclasses.asdict(scan))
            pipeline.execute()

    def taken(self, imports: Mapping[str, EnvironmentRef | None]) -> set[str]:
        """The ids of those imports that were started, or whose objects are settled.

        Cost: one round trip for each 500.

        Args:
            imports: ids, and the environment if it is known.
        """
        keys, found = self._db.keys, set()
        for group in batches([*imports.items()], _IDS_PER_CALL):
            with driver_errors("look for imports of the inbox"):
                pipeline = self._db.client.pipeline(transaction=False)
                for import_id, env in group:
                    pipeline.zscore(keys.inbox_settled(), import_id)
                    if env is not None:
                        pipeline.hmget(keys.job(env, "import", import_id), ["stage", "ended"])
                replies = iter(pipeline.execute())
            for import_id, env in group:
                is_settled = next(replies) is not None
                stage, ended = (None, None) if env is None else next(replies)
                if is_settled or ended is not None or stage not in {None, b"claim"}:
                    found.add(import_id)
        return found

    def settle(self, import_id: str) -> None:
        """Note that an object which stays in the inbox is settled. Cost: two round trips."""
        key, now_ms = self._db.keys.inbox_settled(), self._db.now_ms()
        with driver_errors(f"note that the object of import {import_id} is settled"):
            self._db.client.zadd(key, {import_id: now_ms})
            old = self._db.client.zrangebyscore(key, 0, now_ms - _SETTLED_MS, start=0, num=100)
            if old:
                self._db.client.zrem(key, *old)

    def newest_started(self, ref: ListRef) -> dict[Mode, int]:
        """When the newest object of each mode that was taken for a list was put there, Unix ms."""
        with driver_errors(f"read what the inbox gave to {ref.name}"):
            found = self._db.client.zrange(self._db.keys.inbox_newest(ref), 0, -1, withscores=True)
        return {mode.decode(): int(modified_ms) for mode, modified_ms in found}  # type: ignore[misc]  # as written below

    def note_started(self, ref: ListRef, mode: Mode, modified_ms: int) -> None:
        """Note that an object is taken for a list; an older one changes nothing."""
        key = self._db.keys.inbox_newest(ref)
        with driver_errors(f"note what the inbox gives to {ref.name}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.zadd(key, {mode: modified_ms}, gt=True)
            pipeline.expire(key, ABANDONED_S)
            pipeline.execute()
