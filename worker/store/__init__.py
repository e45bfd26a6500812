"""The membership store: the only part of the worker that the API may import."""

from worker.errors import TerminalError, TransientError
from worker.settings import StoreSettings
from worker.store.access_tokens import AccessTokenStore, TokenSet, may_be_secret
from worker.store.admission import admit_export, admit_import
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
    TokenChanged,
    TokenNotFound,
    TooManyTokens,
    Unsealed,
)
from worker.store.jobs import ExportRequest, ImportRequest, JobRef, JobState, SourceFile
from worker.store.keyspace import Keyspace, ListRef, Scope
from worker.store.memberships import Edit, ListState, Membership
from worker.store.opening import Store, assemble, open_store
from worker.store.places import Place
from worker.store.token_records import AccessToken, Grant, NewToken, RoleName

__all__ = [
    "AccessToken",
    "AccessTokenStore",
    "Definition",
    "DefinitionChange",
    "Edit",
    "EnvironmentExists",
    "EnvironmentNotFound",
    "ExportRequest",
    "Fenced",
    "Grant",
    "ImportInProgress",
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
    "NewToken",
    "OutOfMemory",
    "Place",
    "PlaceChanged",
    "ProjectExists",
    "ProjectNotFound",
    "RoleName",
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
    "TerminalError",
    "TokenChanged",
    "TokenNotFound",
    "TokenSet",
    "TooManyTokens",
    "TransientError",
    "Unsealed",
    "admit_export",
    "admit_import",
    "assemble",
    "create_environment",
    "create_project",
    "delete_environment",
    "delete_project",
    "may_be_secret",
    "open_store",
]
