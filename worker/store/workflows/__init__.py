"""Operations over several stores: admitting, approving, deleting, reclaiming.

Every call may raise ``StoreUnavailable``; retrying is safe where nothing else is said.
"""

from worker.store.workflows.admission import admit_export, admit_import
from worker.store.workflows.announcing import (
    announce_job,
    announce_schedule_failure,
    announce_test,
)
from worker.store.workflows.approval import approve_import, require_approvable
from worker.store.workflows.attaching import (
    attach_list,
    attached_list_ref,
    delete_project_segment,
    detach_list,
    open_project_lists,
    settle_lists,
)
from worker.store.workflows.cancelling import cancel_export, cancel_import
from worker.store.workflows.claims import (
    DELETED,
    builder_of,
    cancelled_reason,
    is_deleted,
    why_lost,
)
from worker.store.workflows.composing import (
    keep_sources,
    naming_deleted,
    pin_sources,
    release_sources,
)
from worker.store.workflows.deleting import (
    create_environment,
    create_project,
    delete_environment,
    delete_project,
    finish_deletions,
    remove_segment,
)
from worker.store.workflows.erasing import start_erasure
from worker.store.workflows.issuing import issue_sdk_key
from worker.store.workflows.kept_memory import free_kept_on_full_servers, free_kept_revisions
from worker.store.workflows.outcomes import (
    START_ACTION,
    START_VERB,
    record_end,
    record_outcome,
    record_start,
    summarise,
    summarise_start,
)
from worker.store.workflows.reclaiming import lists_to_reclaim, lists_to_tidy, reclaim_list
from worker.store.workflows.scheduling import (
    initiator_of,
    record_scheduled_start,
    scheduled_export,
)
from worker.store.workflows.surveying import survey_lists, survey_memory
from worker.store.workflows.taken_uploads import owner_of_upload

__all__ = [
    "DELETED",
    "START_ACTION",
    "START_VERB",
    "admit_export",
    "admit_import",
    "announce_job",
    "announce_schedule_failure",
    "announce_test",
    "approve_import",
    "attach_list",
    "attached_list_ref",
    "builder_of",
    "cancel_export",
    "cancel_import",
    "cancelled_reason",
    "create_environment",
    "create_project",
    "delete_environment",
    "delete_project",
    "delete_project_segment",
    "detach_list",
    "finish_deletions",
    "free_kept_on_full_servers",
    "free_kept_revisions",
    "initiator_of",
    "is_deleted",
    "issue_sdk_key",
    "keep_sources",
    "lists_to_reclaim",
    "lists_to_tidy",
    "naming_deleted",
    "open_project_lists",
    "owner_of_upload",
    "pin_sources",
    "reclaim_list",
    "record_end",
    "record_outcome",
    "record_scheduled_start",
    "record_start",
    "release_sources",
    "remove_segment",
    "require_approvable",
    "scheduled_export",
    "settle_lists",
    "start_erasure",
    "summarise",
    "summarise_start",
    "survey_lists",
    "survey_memory",
    "why_lost",
]
