"""What upkeep found in its last survey: totals of all environments."""

from dataclasses import dataclass
from typing import Final

from worker.store.records import RecordCodec, stored

#: The state of a job that is not tidied up: it waits for a worker, is worked on, waits for an
#: approval, or has ended.
JOB_STATES: Final = ("waiting", "running", "pending_approval", "ended")


@stored
@dataclass(frozen=True, slots=True)
class ListFigures:
    """What the lists take."""

    lists: int = 0
    members: int = 0
    """Of the included and the excluded lists."""
    shards: int = 0
    """Of the live revisions."""
    revisions: int = 0
    """Live, replaced and not freed yet, and being built."""
    backlog: int = 0
    """Revisions that are not live, are not kept to be published again, and are not freed yet."""
    backlog_shards: int = 0
    kept: int = 0
    """Replaced revisions that can be published again."""
    kept_shards: int = 0


@stored
@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """The memory of the store's servers, together."""

    used_bytes: int
    limit_bytes: int
    """0: at least one of them has no limit."""
    fullest_share: float
    """The share of its limit that the fullest one uses; 0 without a limit."""


@stored
@dataclass(frozen=True, slots=True)
class Survey:
    """The figures of one survey."""

    taken_ms: int
    """By the server's clock, Unix ms."""
    took_ms: int
    skew_ms: int
    """How far the worker's clock was ahead of the server's."""
    jobs: dict[str, int]
    """``kind:state`` to how many."""
    queue_age_ms: int
    """How long the job that has waited longest for a worker has waited."""
    queue_depths: dict[str, int] | None
    """Messages that wait in each queue; ``None`` if the broker did not answer."""
    lists: ListFigures
    memory: MemoryFigures | None
    """``None`` if the server's user may not ask."""
    reserved_bytes: int
    """What builds may still write."""
    inbox_waiting: int = 0
    """Objects of the inbox whose import has not begun, in its last listing."""
    deliveries_waiting: int = 0
    """Events that wait to be delivered to webhooks."""
    webhooks_failing: int = 0
    """Webhooks at which every attempt has failed for an hour."""
    uploads_waiting: int = 0
    """Direct uploads that no import has taken, complete or not."""
    erased_keys: int = 0
    """Erased keys of the environment that has the most."""


CODEC: Final = RecordCodec(Survey)
