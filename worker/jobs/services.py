"""The services that a worker process uses for jobs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectStore
from worker.settings import WorkerSettings
from worker.store import JobRef, ListRef, Store
from worker.store.lists import Pacing, Retention
from worker.store.server import Node, node_address, node_client


def _nothing() -> None:
    """Announce nothing: upkeep comes by itself."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything outside itself that a worker process uses."""

    store: Store
    objects: ObjectStore
    settings: WorkerSettings
    announce: Callable[[JobRef, int], None]
    """Sends this many hints that the job has units to take; may lose them."""
    clock_ms: Callable[[], int]
    sleep_s: Callable[[float], None]
    random_name: Callable[[], str]
    announce_upkeep: Callable[[], None] = _nothing
    """Asks for a turn of upkeep now; may be lost."""
    parquet: ParquetDecoder = field(default_factory=ParquetDecoder)
    """Decodes Parquet in a process of its own; started by the first file."""
    pacings: dict[Node, Pacing] = field(default_factory=dict)
    """How fast shards may be written, by server: what was learned is kept between ranges."""

    @property
    def retention(self) -> Retention:
        """Which replaced revisions of a list are kept, while memory permits."""
        return Retention(self.settings.kept_revisions, self.settings.kept_revisions_s * 1000)

    def pacing_of(self, ref: ListRef) -> Pacing:
        """How fast this process may write shards of a list."""
        client, record = self.store.client, self.store.keyspace.list_record(ref)
        node = node_address(client, record)
        if node not in self.pacings:
            limit_s = self.settings.lookup_wait_ms / 1000
            self.pacings[node] = Pacing.of(node_client(client, record), limit_s)
        return self.pacings[node]
