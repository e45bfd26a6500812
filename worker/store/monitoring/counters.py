"""The counters that the store keeps: their names, their labels and every value of those.

Labels are of bounded sets and never name a project, an environment or a segment: whoever may read
anything may read all totals.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final, get_args

from worker.store.keyspace import JobKind

STAGES: Final = ("plan", "scatter", "size", "gather", "publish", "approval", "write")
#: How jobs end. Only ``stopped`` is a failure; the four after it gave way to what somebody asked
#: for.
OUTCOMES: Final = ("complete", "stopped", "refused", "superseded", "deleted", "cancelled")
#: The periodic chores of upkeep.
CHORES: Final = (
    "sweep_jobs",
    "free_ended",
    "tidy_lists",
    "finish_deleted",
    "expire_exports",
    "expire_rejected",
    "expire_uploads",
    "erase_due",
    "reshard_outgrown",
    "mend_hints",
    "watch_webhooks",
    "look_into_inbox",
    "run_schedules",
    "survey_store",
)


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter, or one for each combination of its labels' values."""

    name: str
    """Without ``bigseg_``."""
    text: str
    labels: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ((),)
    """Every combination, so that each is shown from the start: a rate needs a first value."""
    unit: int = 1
    """What the stored number is divided by."""

    def field(self, values: tuple[str, ...]) -> str:
        """The field of the store's hash, ``name`` or ``name:value:…``."""
        return ":".join((self.name, *values))


def _by_stage(name: str, text: str) -> Counter:
    return Counter(name, text, ("stage",), tuple((stage,) for stage in STAGES))


JOBS_ENDED: Final = Counter(
    "jobs_ended",
    "Imports, exports and re-shards that ended.",
    ("kind", "outcome"),
    tuple(product(get_args(JobKind), OUTCOMES)),
)
IMPORT_ROWS: Final = Counter(
    "import_rows",
    "Rows of published imports.",
    ("outcome",),
    (("accepted",), ("duplicates",), ("rejected",)),
)
INBOX_OBJECTS: Final = Counter(
    "inbox_objects",
    "Objects of the inbox that were imported, or moved away for a reason.",
    ("outcome",),
    (("done",), ("failed",)),
)
EXPORT_ROWS: Final = Counter("export_rows", "Rows of written exports.")
WEBHOOK_DELIVERIES: Final = Counter(
    "webhook_deliveries",
    "Attempts to deliver an event to a webhook, and events that found its queue full.",
    ("outcome",),
    (("delivered",), ("failed",), ("lost",), ("dropped",)),
)
SDK_STORE_CONTEXTS: Final = Counter(
    "sdk_store_contexts", "Contexts written to the sets that SDKs read: added or removed."
)
SDK_STORE_REBUILDS: Final = Counter(
    "sdk_store_rebuilds",
    "Times that the sets of an environment were found gone, or without their last changes.",
)
STAGE_SECONDS: Final = Counter(
    "stage_seconds",
    "Seconds of wall-clock time that complete jobs spent in each stage.",
    ("kind", "stage"),
    (
        *product(("import", "reshard"), tuple(stage for stage in STAGES if stage != "write")),
        ("export", "write"),
    ),
    unit=1_000,
)
UNIT_RETRIES: Final = _by_stage(
    "unit_retries", "Units of work that failed and were given back for another try."
)
LEASES_LOST: Final = _by_stage(
    "leases_lost",
    "Tries at a unit of work that ended because another worker had it or its job had ended.",
)
UNEXPECTED_ERRORS: Final = _by_stage(
    "unexpected_errors", "Units of work that ended with an unexpected error."
)
CHORES_POSTPONED: Final = Counter(
    "chores_postponed",
    "Chores of upkeep that failed and run again later.",
    ("chore",),
    tuple((chore,) for chore in CHORES),
)
AUDIT_LOSSES: Final = Counter(
    "audit_losses",
    "Changes that the audit log did not take; each is a line audit.lost in a log.",
    ("process",),
    (("worker",),),
)

COUNTERS: Final = (
    JOBS_ENDED,
    IMPORT_ROWS,
    EXPORT_ROWS,
    INBOX_OBJECTS,
    WEBHOOK_DELIVERIES,
    SDK_STORE_CONTEXTS,
    SDK_STORE_REBUILDS,
    STAGE_SECONDS,
    UNIT_RETRIES,
    LEASES_LOST,
    UNEXPECTED_ERRORS,
    CHORES_POSTPONED,
    AUDIT_LOSSES,
)
