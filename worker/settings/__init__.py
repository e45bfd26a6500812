"""Settings of the store, the objects and the worker, read from ``BIGSEG_*``.

Every field states its unit and the reason for its default in ``description``; a test compares
the table in ``deploy/README.md`` with these.
"""

from worker.settings.environment import TextList, invalid_settings
from worker.settings.objects import ObjectSettings
from worker.settings.store import AUDIT_ENTRIES, JOB_RETENTION_S, SDK_LOG_BYTES, StoreSettings
from worker.settings.worker import WorkerSettings

__all__ = [
    "AUDIT_ENTRIES",
    "JOB_RETENTION_S",
    "SDK_LOG_BYTES",
    "ObjectSettings",
    "StoreSettings",
    "TextList",
    "WorkerSettings",
    "invalid_settings",
]
