"""What processes counted and what upkeep surveyed, kept in the store for ``/metrics``.

``counters`` says what is counted, ``counting`` counts in a process and ``sender`` hands that over;
``survey`` is what upkeep found; ``monitoring_store`` keeps both.
"""

from worker.store.monitoring.counters import (
    AUDIT_LOSSES,
    CHORES,
    CHORES_POSTPONED,
    COUNTERS,
    EXPORT_ROWS,
    IMPORT_ROWS,
    INBOX_OBJECTS,
    JOBS_ENDED,
    LEASES_LOST,
    OUTCOMES,
    SDK_STORE_CONTEXTS,
    SDK_STORE_REBUILDS,
    STAGE_SECONDS,
    STAGES,
    UNEXPECTED_ERRORS,
    UNIT_RETRIES,
    WEBHOOK_DELIVERIES,
    Counter,
)
from worker.store.monitoring.counting import Counting
from worker.store.monitoring.monitoring_store import Monitored, MonitoringStore
from worker.store.monitoring.sender import CountSender
from worker.store.monitoring.survey import JOB_STATES, ListFigures, MemoryFigures, Survey

__all__ = [
    "AUDIT_LOSSES",
    "CHORES",
    "CHORES_POSTPONED",
    "COUNTERS",
    "EXPORT_ROWS",
    "IMPORT_ROWS",
    "INBOX_OBJECTS",
    "JOBS_ENDED",
    "JOB_STATES",
    "LEASES_LOST",
    "OUTCOMES",
    "SDK_STORE_CONTEXTS",
    "SDK_STORE_REBUILDS",
    "STAGES",
    "STAGE_SECONDS",
    "UNEXPECTED_ERRORS",
    "UNIT_RETRIES",
    "WEBHOOK_DELIVERIES",
    "CountSender",
    "Counter",
    "Counting",
    "ListFigures",
    "MemoryFigures",
    "Monitored",
    "MonitoringStore",
    "Survey",
]
