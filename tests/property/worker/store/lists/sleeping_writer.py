"""A writer of an import that stops between two windows, and goes on whatever happened."""

from dataclasses import dataclass

from tests.property.worker.store.lists.list_model import Build
from tests.support.store.building import natural_form, write_shards
from worker.store import Fenced, ListRef, Store, StoreUnavailable
from worker.store.keyspace import INCLUDED
from worker.store.lists import ShardWriter


@dataclass(frozen=True, slots=True)
class SleepingWriter:
    """It has written one shard wrongly, and has found that it may write the next."""

    store: Store
    writer: ShardWriter
    build: Build
    broken_seal: int | None
    """Which seal of the build had been broken last when it fell asleep."""

    @classmethod
    def of(cls, store: Store, ref: ListRef, build: Build) -> "SleepingWriter":
        """Open it for a build that may be written."""
        writer = ShardWriter(store.database, ref, build.import_id, build.claim.target)
        sleeper = cls(store, writer, build, build.broken_seal)
        sleeper._write()
        return sleeper

    def wake(self, held: Build | None) -> None:
        """Write again; this must fail if the build was closed, for good or for a while."""
        is_open = self.build is held and self.build.seal is None
        try:
            with self.writer:
                self._write()
        except (Fenced, StoreUnavailable):
            untouched = is_open and self.build.broken_seal == self.broken_seal
            assert not untouched, "a writer was turned away without a cause"
        else:
            assert is_open, "a zombie has written"

    def _write(self) -> None:
        write_shards(self.writer, natural_form(self.store), INCLUDED, ["zombie"], 0)
