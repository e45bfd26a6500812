"""Which processes write shards now, how fast, and why not faster: for ``/metrics``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.store.errors import UnreadableRecord
from worker.store.lists.pace import Reason
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: How long an entry counts that is not renewed: its process has died. A reader removes it.
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
    """Keeps one entry for each process that writes shards; readers see the recent ones.

    Cost: a round trip a call, and one more for a reader that finds entries of dead processes.
    Every method may raise ``StoreUnavailable``; retrying is safe.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def show(self, name: str, reason: Reason, bytes_s: float) -> None:
        """Show how a writer gets on, under a name that is its own."""
        key = self._db.keys.writing()
        text = _CODEC.encode(Writing(reason, int(bytes_s), self._db.now_ms()))
        with driver_errors("show how shards are written"):
            pipeline = self._db.client.pipeline(transaction=False)
            pipeline.hset(key, name, text)
            pipeline.expire(key, _KEPT_S)
            pipeline.execute()

    def remove(self, *names: str) -> None:
        """Remove entries of writers. Idempotent."""
        with driver_errors("show how shards are written"):
            self._db.client.hdel(self._db.keys.writing(), *names)

    def read(self) -> list[Writing]:
        """All writers of late; one of another release may be left out."""
        with driver_errors("read how shards are written"):
            found: Mapping[bytes, bytes] = self._db.client.hgetall(self._db.keys.writing())
        oldest = self._db.now_ms() - _SHOWN_MS
        entries = {name: _decoded(text) for name, text in found.items()}
        known = {name.decode(): entry for name, entry in entries.items() if entry is not None}
        dead = [name for name, entry in known.items() if entry.noted_ms < oldest]
        if dead:
            self.remove(*dead)
        return [entry for entry in known.values() if entry.noted_ms >= oldest]


def _decoded(text: Any) -> Writing | None:  # noqa: ANN401 - bytes
    try:
        return _CODEC.decode(text, "the entry of a writer")
    except UnreadableRecord:
        return None


_CODEC: Final = RecordCodec(Writing)
