"""Which processes write shards now, how fast, and why not faster: for those who watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.store.errors import UnreadableRecord
from worker.store.lists.pace import Reason
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Of one that died; its entry is dropped by whoever reads next.
_SHOWN_MS: Final = 10_000
#: All are gone when nobody has written for this long.
_KEPT_S: Final = 60


@stored
@dataclass(frozen=True, slots=True)
class Writing:
    """How one process wrote during the last second."""

    reason: Reason
    bytes_s: int
    """Bytes a second."""
    noted_ms: int
    """By the clock of that process."""


class WritingBoard:
    """Keeps one entry for each process that writes shards; readers see those of late.

    Cost: a round trip a call. Every method may raise ``StoreUnavailable``; retrying is safe.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def show(self, name: str, reason: Reason, bytes_s: float) -> None:
        """Show how one goes; its name is its own."""
        key = self._db.keys.writing()
        text = _CODEC.encode(Writing(reason, int(bytes_s), self._db.now_ms()))
        with driver_errors("show how shards are written"):
            pipeline = self._db.client.pipeline(transaction=False)
            pipeline.hset(key, name, text)
            pipeline.expire(key, _KEPT_S)
            pipeline.execute()

    def remove(self, name: str) -> None:
        """Show one no longer. Idempotent."""
        with driver_errors("show how shards are written"):
            self._db.client.hdel(self._db.keys.writing(), name)

    def read(self) -> list[Writing]:
        """All that write now; one of another release may be left out."""
        with driver_errors("read how shards are written"):
            found: Mapping[bytes, bytes] = self._db.client.hgetall(self._db.keys.writing())
        oldest = self._db.now_ms() - _SHOWN_MS
        entries = {name: _decoded(text) for name, text in found.items()}
        gone = [name.decode() for name, one in entries.items() if one and one.noted_ms < oldest]
        for name in gone:
            self.remove(name)
        return [one for one in entries.values() if one and one.noted_ms >= oldest]


def _decoded(text: Any) -> Writing | None:  # noqa: ANN401 - bytes
    try:
        return _CODEC.decode(text, "an entry of a writer")
    except UnreadableRecord:
        return None


_CODEC: Final = RecordCodec(Writing)
