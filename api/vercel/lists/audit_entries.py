"""Audit entries about attached lists: in the account's log, as those of their segments are."""

from api.access.auth import Caller
from api.audit import audit
from api.services.services import Services
from api.vercel.lists.paths import ListPath
from worker.store import Summary, project_segment_resource


def audit_list(
    services: Services, caller: Caller, path: ListPath, action: str, verb: str, after: Summary
) -> None:
    """Record what was done to an attached list, as a change of its segment."""
    segment = path.segment
    audit(
        services,
        caller,
        None,
        action=action,
        kind="segment",
        resource=project_segment_resource(path.project.key, segment.slug),
        name=segment.label,
        verb=verb,
        after={"list": str(path.name), **after},
    )
