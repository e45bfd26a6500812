"""What each figure is held against: the budgets of the design."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    """

    what: str
    against: str
    limit: float
    unit: str
    at_least: bool

    def met_by(self, value: float) -> bool:
        """Whether a figure is within the budget."""
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def text(self) -> str:
        """The limit for people, such as ``at least 2.5x``."""
        space = "" if self.unit == RATIO else " "
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}{space}{self.unit}"


BUDGETS: Mapping[str, Budget] = {
    "import_vs_pipe": Budget(
        "import, CSV in S3 → published",
        "one SADD a key, encoded, one socket",
        2.5,
        RATIO,
        at_least=True,
    ),
    "import_vs_naive": Budget(
        "import, CSV in S3 → published",
        "csv module, redis-py, SADD of 1,000",
        3.5,
        RATIO,
        at_least=True,
    ),
    "bytes_vs_plain_set": Budget("bytes a member", "one plain set", 0.45, RATIO, at_least=False),
    "worker_peak_mib": Budget("peak memory of a worker process", "", 512, "MiB", at_least=False),
    "lookup_vs_naive": Budget(
        "membership GET, with a token", "FastAPI, two awaited SISMEMBER", 5, RATIO, at_least=True
    ),
    "lookup_p99_during_import": Budget(
        "GET p99 while gather runs", "idle", 3, RATIO, at_least=False
    ),
    "lookup_p99_during_evaluations": Budget(
        "GET p99 while the worst evaluations run", "idle", 3, RATIO, at_least=False
    ),
    "export_vs_sscan": Budget(
        "export to CSV in S3", "SSCAN loop, keys dropped", 1.5, RATIO, at_least=True
    ),
    "evaluate_1000": Budget("evaluation of 1,000 segments, half big", "", 50, "ms", at_least=False),
    "merge_1k_into_10m_s": Budget("merge of 1,000 keys into the list", "", 3, "s", at_least=False),
}
