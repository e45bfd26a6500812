"""Audit entries about segments of projects: names and numbers, never a value."""

from collections.abc import Sequence
from typing import Any

from api.access.auth import Caller
from api.audit import audit_project_segment
from api.bodies.json_values import JsonObject
from api.services.services import Services
from api.vercel.segments.content import load_data
from worker.store import Project, ProjectSegment


def audit_segment(
    services: Services,
    caller: Caller,
    project: Project,
    *,
    action: str | Sequence[str],
    verb: str,
    before: ProjectSegment | None = None,
    after: ProjectSegment | None = None,
) -> None:
    """Record a change of a segment; see :func:`api.audit.audit_project_segment`."""
    segment = after or before
    assert segment is not None  # noqa: S101 - a change has one side at least
    audit_project_segment(
        services,
        caller,
        project,
        segment,
        action=action,
        verb=verb,
        before=None if before is None else summarize(before),
        after=None if after is None else summarize(after),
    )


def list_actions(before: ProjectSegment, after: ProjectSegment) -> tuple[str, ...]:
    """The actions of an update, in the order of the fields."""
    old, new = load_data(before), load_data(after)
    changed = {
        "updateName": before.label != after.label,
        "updateDescription": before.description != after.description,
        "updateHint": before.hint != after.hint,
        "updateIncluded": old.get("include") != new.get("include"),
        "updateExcluded": old.get("exclude") != new.get("exclude"),
        "updateRules": old.get("rules") != new.get("rules"),
    }
    return tuple(action for action, is_changed in changed.items() if is_changed) or ("updateData",)


def summarize(segment: ProjectSegment) -> dict[str, Any]:
    """Summarize a segment, with the numbers of its values and rules."""
    data = load_data(segment)
    summary: dict[str, Any] = {
        "id": segment.id,
        "key": segment.slug,
        "name": segment.label,
        "hint": segment.hint,
        "included": _count(data.get("include", {})),
        "excluded": _count(data.get("exclude", {})),
        "rules": len(data.get("rules", ())),
    }
    if segment.description is not None:
        summary["description"] = segment.description
    return summary


def _count(targets: JsonObject) -> int:
    return sum(len(values) for attributes in targets.values() for values in attributes.values())
