"""What each figure is held against: the goals of the design, and older budgets that still bind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.support.servers.redis import Kind

#: The unit of a figure that says how many times as much.
RATIO: Final = "x"


@dataclass(frozen=True, slots=True)
class Budget:
    """One figure's limit.

    Attributes:
        what: what is measured.
        against: what it is measured against; empty for a plain figure.
        limit: the budget.
        unit: of the figure; `RATIO` for a ratio.
        at_least: whether more is better.
        embedded: the limit on the embedded server, where it is another.
    """

    what: str
    against: str
    limit: float
    unit: str
    at_least: bool
    embedded: float | None = None

    def limit_on(self, kind: Kind) -> float:
        """The limit on one server."""
        return self.limit if self.embedded is None or kind == "redis" else self.embedded

    def met_by(self, value: float, kind: Kind) -> bool:
        """Whether a figure is within the budget; what is not a number is not."""
        limit = self.limit_on(kind)
        return value >= limit if self.at_least else value <= limit

    @property
    def text(self) -> str:
        """The limit for people, such as ``at least 5 x; embedded 4``."""
        start = f"{'at least' if self.at_least else 'at most'} {self.limit:g} {self.unit}"
        return start if self.embedded is None else f"{start}; embedded {self.embedded:g}"


def _least(
    what: str, against: str, limit: float, unit: str = RATIO, *, embedded: float | None = None
) -> Budget:
    return Budget(what, against, limit, unit, at_least=True, embedded=embedded)


def _most(what: str, against: str, limit: float, unit: str = RATIO) -> Budget:
    return Budget(what, against, limit, unit, at_least=False)


_ROWS: Final = "M rows/s"

BUDGETS: Mapping[str, Budget] = {
    "import_vs_pipe": _least(
        "import, CSV in S3 → published", "one SADD a key, encoded, one socket", 5, embedded=4
    ),
    "import_vs_naive": _least(
        "import, CSV in S3 → published", "csv module, redis-py, SADD of 1,000", 3.5
    ),
    "gather_vs_restore": _least(
        "gather, spills → shards", "plain pipelined RESTORE of the same payloads", 0.7
    ),
    "bytes_vs_plain_set": _most("bytes a member", "one plain set", 0.45),
    "worker_peak_mib": _most("peak memory of a worker process", "", 512, "MiB"),
    "scatter_uuid_rows": _least("scatter of UUIDs, a process", "", 2.5, _ROWS),
    "scatter_email_rows": _least("scatter of e-mails of 30 characters, a process", "", 2, _ROWS),
    "scatter_parquet_vs_csv": _least("scatter of Parquet", "the same UUIDs as CSV", 1),
    "import_100_objects_vs_one": _least(
        "import of 100 objects as one", "of one object with the same UUIDs", 0.8
    ),
    "import_gzip_vs_csv": _least("import of gzip", "the same as plain CSV", 0.7),
    "import_zstd_vs_csv": _least("import of zstd", "the same as plain CSV", 0.8),
    "import_parquet_vs_csv": _least("import of Parquet", "the same as plain CSV", 1),
    "scatter_30m_vs_10m": _most("scatter of three times the list", "of the list", 3.3),
    "lookup_vs_naive": _least("membership GET, with a token", "FastAPI, two awaited SISMEMBER", 5),
    "lookup_vs_empty_app": _least(
        "membership GET, with a token", "an empty ASGI app on the same uvicorn", 0.75
    ),
    "lookup_p99_vs_p50_32": _most("GET p99, 32 connections", "p50", 3),
    "lookup_p99_vs_p50_128": _most("GET p99, 128 connections", "p50", 3),
    "gc_pause_ms": _most("longest collection of an API process under load", "", 10, "ms"),
    "lookup_p99_in_gather": _most("GET p99 while shards are written", "idle", 3),
    "lookup_p99_in_publish": _most("GET p99 while a list is published", "idle", 3),
    "lookup_p99_in_reclaim": _most("GET p99 while a deleted list is freed", "idle", 3),
    "lookup_p99_during_evaluations": _most("GET p99 beside the worst evaluations", "idle", 3),
    "bulk_pairs": _least("bulk look-ups of 100,000 answers, a process", "", 0.3, "M answers/s"),
    "lookup_p99_during_bulk": _most("GET p99 beside bulk look-ups", "idle", 2),
    "longest_call_ms": _most("longest call of the store", "", 2, "ms"),
    "export_vs_sscan": _least("export to CSV in S3", "SSCAN loop, keys dropped", 3),
    "export_members": _least("export to CSV in S3", "", 2.5, "M members/s"),
    "evaluate_1000": _most("evaluation of 1,000 segments, half big", "", 50, "ms"),
    "compose_10m_s": _most("intersection of the list with one of its size", "", 10, "s"),
    "sdk_fill_vs_pipeline": _least(
        "first fill of the sets for SDKs", "redis-py pipeline, one SADD a context", 3
    ),
    "sdk_bytes": _most("bytes a context of the sets for SDKs", "", 200, "bytes"),
    "sdk_stream_kib": _most("an idle stream of an SDK", "", 20, "KiB"),
    "sdk_change_s": _most("from a change of a flag until every SDK has it", "", 1, "s"),
    "sdk_flip_s": _most("from a publication until SDKs can see it", "", 2, "s"),
    "merge_1k_into_10m_s": _most("merge of 1,000 keys into the list", "", 1, "s"),
}

#: The figures that the project's first page shows.
HEADLINES: Final = (
    "import_vs_pipe",
    "gather_vs_restore",
    "bytes_vs_plain_set",
    "worker_peak_mib",
    "lookup_vs_naive",
    "lookup_vs_empty_app",
    "lookup_p99_in_gather",
    "lookup_p99_in_publish",
    "longest_call_ms",
    "export_vs_sscan",
    "merge_1k_into_10m_s",
)
