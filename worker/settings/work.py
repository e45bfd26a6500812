"""Settings of the work on imports and exports."""

from pathlib import Path

from pydantic import Field

from worker.settings.environment import EnvironmentSettings


class WorkSettings(EnvironmentSettings):
    """How jobs are cut into units of work, and how units that stand still are noticed."""

    spill_dir: Path | None = Field(
        default=None,
        description="Directory for spill files shared by all workers, for a single host; unset "
        "means the bucket, which any number of hosts share.",
    )
    chunk_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="Bytes of a list file in one chunk; bounds a worker's memory.",
    )
    chunk_rows: int = Field(
        default=2_000_000,
        ge=100,
        le=8_000_000,
        description="Rows sorted together in one chunk; bounds a worker's memory.",
    )
    range_bytes: int = Field(
        default=24 * 1024 * 1024,
        ge=1024,
        le=128 * 1024 * 1024,
        description="Bytes of members gathered together in one range; bounds a worker's memory.",
    )
    parquet_memory_bytes: int = Field(
        default=384 * 1024 * 1024,
        ge=64 * 1024 * 1024,
        le=16 * 1024 * 1024 * 1024,
        description="Bytes of memory that decoding one Parquet file may take, in addition to the "
        "60 MiB of a worker's decoding process; usual files take 100 MiB, and one whose pages are "
        "as large as its row groups takes twice their size. An import that needs more is stopped.",
    )
    lease_s: float = Field(
        default=20.0,
        gt=0.2,
        le=300,
        description="Seconds a unit of work stays taken without progress; a crash is picked up "
        "when it ends.",
    )
    inbox_poll_s: float = Field(
        default=15.0,
        gt=0.05,
        le=86_400,
        description="Seconds between two listings of the inbox; each takes a request for 1,000 "
        "objects that are in it. Events of the bucket make bigseg look at once.",
    )
    sweep_s: float = Field(
        default=5.0,
        gt=0.05,
        le=60,
        description="Seconds between two looks for stalled jobs; with the lease it bounds how "
        "long a crash delays an import.",
    )
    unit_tries: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Times one unit of work is tried before its job is stopped.",
    )
