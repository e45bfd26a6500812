"""The membership store: the only part of the worker that the API may import."""

from worker.errors import TerminalError, TransientError
from worker.settings import StoreSettings
from worker.store.admission import admit_export, admit_import
from worker.store.errors import (
    EnvironmentNotFound,
    Fenced,
    ImportInProgress,
    JobNotFound,
    ListUnknown,
    OutOfMemory,
    ProjectNotFound,
    SegmentExists,
    SegmentNotFound,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    Unsealed,
)
from worker.store.jobs import ExportRequest, ImportRequest, JobRef, JobState, SourceFile
from worker.store.keyspace import Keyspace, ListRef, Scope
from worker.store.memberships import Edit, ListState, Membership
from worker.store.opening import Store, assemble, open_store
from worker.store.segments import NewSegment, Segment

__all__ = [
    "Edit",
    "EnvironmentNotFound",
    "ExportRequest",
    "Fenced",
    "ImportInProgress",
    "ImportRequest",
    "JobNotFound",
    "JobRef",
    "JobState",
    "Keyspace",
    "ListRef",
    "ListState",
    "ListUnknown",
    "Membership",
    "NewSegment",
    "OutOfMemory",
    "ProjectNotFound",
    "Scope",
    "Segment",
    "SegmentExists",
    "SegmentNotFound",
    "SourceFile",
    "Store",
    "StoreError",
    "StoreRefused",
    "StoreSettings",
    "StoreUnavailable",
    "TerminalError",
    "TransientError",
    "Unsealed",
    "admit_export",
    "admit_import",
    "assemble",
    "open_store",
]
