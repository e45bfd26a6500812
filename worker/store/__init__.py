"""The membership store: the only part of the worker that the API may import."""

from worker.errors import TerminalError, TransientError
from worker.settings import StoreSettings
from worker.store.admission import admit_export, admit_import
from worker.store.approvals import approve_import, require_approvable
from worker.store.definitions import Definition, DefinitionChange, NewSegment, Segment
from worker.store.deleting import (
    create_environment,
    create_project,
    delete_environment,
    delete_project,
)
from worker.store.errors import (
    EnvironmentExists,
    EnvironmentNotFound,
    Fenced,
    ImportInProgress,
    ImportNotWaiting,
    JobNotFound,
    KeyInOtherList,
    LastProject,
    ListUnknown,
    OutOfMemory,
    PlaceChanged,
    ProjectExists,
    ProjectNotFound,
    SegmentChanged,
    SegmentExists,
    SegmentNotFound,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    Superseded,
    Unapproved,
    Unsealed,
)
from worker.store.jobs import ExportRequest, ImportRequest, JobRef, JobState, SourceFile
from worker.store.keyspace import Keyspace, ListRef, Scope
from worker.store.memberships import Edit, ListState, Membership
from worker.store.opening import Store, assemble, open_store
from worker.store.places import Place

__all__ = [
    "Definition",
    "DefinitionChange",
    "Edit",
    "EnvironmentExists",
    "EnvironmentNotFound",
    "ExportRequest",
    "Fenced",
    "ImportInProgress",
    "ImportNotWaiting",
    "ImportRequest",
    "JobNotFound",
    "JobRef",
    "JobState",
    "KeyInOtherList",
    "Keyspace",
    "LastProject",
    "ListRef",
    "ListState",
    "ListUnknown",
    "Membership",
    "NewSegment",
    "OutOfMemory",
    "Place",
    "PlaceChanged",
    "ProjectExists",
    "ProjectNotFound",
    "Scope",
    "Segment",
    "SegmentChanged",
    "SegmentExists",
    "SegmentNotFound",
    "SourceFile",
    "Store",
    "StoreError",
    "StoreRefused",
    "StoreSettings",
    "StoreUnavailable",
    "Superseded",
    "TerminalError",
    "TransientError",
    "Unapproved",
    "Unsealed",
    "admit_export",
    "admit_import",
    "approve_import",
    "assemble",
    "create_environment",
    "create_project",
    "delete_environment",
    "delete_project",
    "open_store",
    "require_approvable",
]
