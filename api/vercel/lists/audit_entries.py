"""Audit entries about attached lists: in the account's log, as those of their segments are."""

from api.access.auth import Caller
from api.audit import audit_project_segment
from api.services.services import Services
from api.vercel.lists.paths import ListPath
from worker.store import Summary


def audit_list(
    services: Services, caller: Caller, path: ListPath, action: str, verb: str, after: Summary
) -> None:
    """Record what was done to an attached list, as a change of its segment."""
    after = {"list": str(path.name), **after}
    audit_project_segment(
        services, caller, path.project, path.segment, action=action, verb=verb, after=after
    )
