"""What every step of a job is given."""

from collections.abc import Callable
from dataclasses import dataclass, field

from worker.lists.parquet.decoder import ParquetDecoder
from worker.objects import ObjectStore
from worker.settings import WorkerSettings
from worker.store import JobRef, Store


@dataclass(frozen=True, slots=True)
class Context:
    """The outside world of a worker process."""

    store: Store
    objects: ObjectStore
    settings: WorkerSettings
    announce: Callable[[JobRef, int], None]
    """Sends so many hints that the job has units to be taken; may lose them."""
    clock_ms: Callable[[], int]
    sleep_s: Callable[[float], None]
    tokens: Callable[[], str]
    """Random names of tries and rebuilds."""
    parquet: ParquetDecoder = field(default_factory=ParquetDecoder)
    """Decodes Parquet in a process of its own; started by the first file."""
