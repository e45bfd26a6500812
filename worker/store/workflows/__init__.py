"""What takes several stores: admitting, approving, deleting, reclaiming."""

from worker.store.workflows.claims import DELETED, is_deleted, why_lost
from worker.store.workflows.deleting import finish_deletions
from worker.store.workflows.reclaiming import builder_of, lists_to_reclaim, reclaim_list

__all__ = [
    "DELETED",
    "builder_of",
    "finish_deletions",
    "is_deleted",
    "lists_to_reclaim",
    "reclaim_list",
    "why_lost",
]
