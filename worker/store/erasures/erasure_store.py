"""The erasures of each environment: those under way, and the receipts of the last others."""

from dataclasses import replace
from typing import Final

from worker.store.erasures.records import Erasure
from worker.store.errors import ErasureNotFound, ErasuresUnderWay
from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Erasures of an environment that are kept; the oldest receipts go first.
MOST_ERASURES: Final = 1_000
_CODEC: Final = RecordCodec(Erasure, outside=["id"])


class ErasureStore:
    """Records of erasures. Every method may raise ``StoreUnavailable``; all are safe to retry."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, env: EnvironmentRef, erasure: Erasure) -> Erasure:
        """Record a new erasure, unless one of the same key is under way: then that one.

        Cost: two round trips; one more for each receipt that goes.

        Raises:
            ErasuresUnderWay: as many as are kept are under way. Safe to retry later.
        """
        known = self.read_all(env)
        under_way = [each for each in known if each.state == "in_progress"]
        for each in under_way:
            if each.digest == erasure.digest:
                return each
        if len(under_way) >= MOST_ERASURES:
            message = f"{MOST_ERASURES:,} erasures are under way; try again when some are complete"
            raise ErasuresUnderWay(message)
        receipts = [each for each in known if each.state == "complete"]
        for each in receipts[MOST_ERASURES - len(under_way) - 1 :]:
            self.replace(env, each, None)
        self._put(env, erasure.id, b"", _CODEC.encode(erasure))
        return erasure

    def get(self, env: EnvironmentRef, erasure_id: str) -> Erasure:
        """Read an erasure. Cost: one round trip.

        Raises:
            ErasureNotFound: there is none of this id, or no longer.
        """
        with driver_errors(f"read erasure {erasure_id}"):
            text = self._db.client.hget(self._db.keys.erasures(env), erasure_id)
        if text is None:
            message = f"there is no erasure {erasure_id} in {env.environment}"
            raise ErasureNotFound(message)
        return _decode(erasure_id, text)

    def read_all(self, env: EnvironmentRef) -> list[Erasure]:
        """All erasures of an environment, newest first. Cost: one round trip."""
        with driver_errors(f"list erasures of {env.environment}"):
            found = self._db.client.hgetall(self._db.keys.erasures(env))
        erasures = [_decode(name.decode(), text) for name, text in found.items()]
        return sorted(erasures, key=lambda erasure: (-erasure.created_ms, erasure.id))

    def replace(self, env: EnvironmentRef, expected: Erasure, changed: Erasure | None) -> bool:
        """Replace an erasure that is still as expected, or with ``None`` forget it.

        Cost: one round trip.

        Returns:
            Whether it was as expected; else nothing was written.
        """
        text = b"" if changed is None else _CODEC.encode(changed)
        return self._put(env, expected.id, _CODEC.encode(expected), text)

    def forget(self, env: EnvironmentRef) -> None:
        """Drop all of a deleted environment. Idempotent. Cost: one round trip."""
        with driver_errors(f"forget erasures of {env.environment}"):
            self._db.client.unlink(self._db.keys.erasures(env))

    def _put(self, env: EnvironmentRef, erasure_id: str, expected: bytes, text: bytes) -> bool:
        key, arguments = self._db.keys.erasures(env), (erasure_id, expected, text, 0)
        what = f"write erasure {erasure_id}"
        return bool(self._db.run(what, "project/put_record", [key], arguments))


def completed(erasure: Erasure, now_ms: int) -> Erasure:
    """The receipt: without the key, and without what was there before."""
    return replace(
        erasure, state="complete", key=None, before=None, waiting=(), completed_ms=now_ms
    )


def _decode(erasure_id: str, text: bytes) -> Erasure:
    return _CODEC.decode(text, f"erasure {erasure_id}", id=erasure_id)
