"""The audit log: who changed what."""

from worker.store.audit.entries import (
    OURSELVES,
    Actor,
    AuditEntry,
    Change,
    Kind,
    Position,
    Summary,
    environment_resource,
    project_resource,
    project_segment_resource,
    segment_change,
    segment_resource,
)
from worker.store.audit.log import AuditStore

__all__ = [
    "OURSELVES",
    "Actor",
    "AuditEntry",
    "AuditStore",
    "Change",
    "Kind",
    "Position",
    "Summary",
    "environment_resource",
    "project_resource",
    "project_segment_resource",
    "segment_change",
    "segment_resource",
]
