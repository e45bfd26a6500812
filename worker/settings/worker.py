"""All settings of a worker process."""

from typing import Self

from pydantic import Field

from worker.settings.guards import GuardSettings
from worker.settings.objects import ObjectSettings
from worker.settings.retention import RetentionSettings
from worker.settings.store import StoreSettings
from worker.settings.work import WorkSettings


class WorkerSettings(GuardSettings, RetentionSettings, WorkSettings, StoreSettings, ObjectSettings):
    """What the worker processes need."""

    webhook_timeout_s: float = Field(
        default=10.0,
        ge=0.1,
        le=60,
        description="Seconds in which a webhook's receiver must have answered, from the look-up of "
        "its name on; a slower one should take the event and work on it later.",
    )
    niceness: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How far worker processes yield the CPU to others on their host, as `nice` "
        "counts it; a store and an API beside them stay fast while lists are built.",
    )
    lookup_wait_ms: float = Field(
        default=1.0,
        ge=0,
        le=1_000,
        description="Milliseconds a look-up may wait for writers of shards. While there are "
        "look-ups, writers slow down until at most one moment in 125 exceeds it, but not below "
        "4 MB/s a process. The default is what a look-up usually takes; 0 means that writers go as "
        "fast as they can.",
    )
    put_rate_bytes_s: int = Field(
        default=0,
        ge=0,
        description="Bytes a second one worker process sends while building shards, so that "
        "look-ups stay fast; 0 means no limit.",
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            pydantic.ValidationError: a variable has an invalid value.
        """
        return cls()
