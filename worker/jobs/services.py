"""The services that a worker process uses for jobs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectStore
from worker.settings import WorkerSettings
from worker.store import JobRef, ListRef, Store
from worker.store.lists import Pace
from worker.store.server import Node, node_address


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
    parquet: ParquetDecoder = field(default_factory=ParquetDecoder)
    """Decodes Parquet in a process of its own; started by the first file."""
    paces: dict[Node, Pace] = field(default_factory=dict)
    """How fast shards may be written, by server: what was learned is kept between ranges."""

    def pace_of(self, ref: ListRef) -> Pace:
        """How fast this process may write shards of a list."""
        node = node_address(self.store.client, self.store.keyspace.list_record(ref))
        if node not in self.paces:
            self.paces[node] = Pace(self.settings.lookup_wait_ms / 1000)
        return self.paces[node]
