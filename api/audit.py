"""Records changes in the audit log: who made them, before and after.

Called right after a change and before its answer. If the store does not take the entry, the
change does not fail: the entry becomes an ``audit.lost`` line of the process's log. A change that
is answered 503 may have been made and is not on record.

Summaries hold names, numbers and tags, never a context key.
"""

from collections.abc import Sequence

from api.access.auth import Caller
from api.services.services import Services
from worker.store import (
    Actor,
    Change,
    Environment,
    EnvironmentRef,
    Kind,
    Project,
    ProjectSegment,
    Segment,
    Summary,
    environment_resource,
    project_resource,
    project_segment_resource,
    segment_change,
)


def audit(
    services: Services,
    caller: Caller,
    env: EnvironmentRef | None,
    *,
    action: str | Sequence[str],
    kind: Kind,
    resource: str,
    name: str,
    verb: str,
    comment: str | None = None,
    before: Summary | None = None,
    after: Summary | None = None,
) -> None:
    """Record any change; never fails. Cost: one round trip.

    Args:
        services: of the application.
        caller: who made the change.
        env: the environment that it was made in; ``None`` for changes of projects,
            environments and access tokens.
        action: what was done, in LaunchDarkly's words where it has one; or several.
        kind: of the resource.
        resource: such as ``proj/default:env/production:segment/beta``.
        name: the resource's name for people.
        verb: such as ``created the segment``: actor, verb and name make a sentence.
        comment: the caller's.
        before: a summary of the resource as it was, if it existed; JSON.
        after: the same as it is now, or what was requested.
    """
    actions = (action,) if isinstance(action, str) else tuple(action)
    change = Change(
        caller.name, caller.token_id, actions, kind, resource, name, verb, comment, before, after
    )
    services.store().audit.record(env, change)


def audit_segment(
    services: Services,
    caller: Caller,
    segment: Segment,
    *,
    action: str | Sequence[str],
    verb: str,
    comment: str | None = None,
    before: Summary | None = None,
    after: Summary | None = None,
) -> None:
    """Record a change of a segment; see :func:`audit`."""
    change = segment_change(
        Actor(caller.name, caller.token_id),
        segment,
        action=action,
        verb=verb,
        comment=comment,
        before=before,
        after=after,
    )
    services.store().audit.record(segment.env, change)


def audit_project(
    services: Services,
    caller: Caller,
    *,
    action: str | Sequence[str],
    verb: str,
    before: Project | None = None,
    after: Project | None = None,
    comment: str | None = None,
) -> None:
    """Record a change of a project in the account's log; see :func:`audit`."""
    project = after or before
    assert project is not None  # noqa: S101 - a change has one side at least
    audit_in_project(
        services,
        caller,
        project,
        action=action,
        verb=verb,
        before=summary_of(before),
        after=summary_of(after),
        comment=comment,
    )


def audit_in_project(
    services: Services,
    caller: Caller,
    project: Project,
    *,
    action: str | Sequence[str],
    verb: str,
    before: Summary | None = None,
    after: Summary | None = None,
    comment: str | None = None,
) -> None:
    """Record a change of something that is a project's, in the account's log; see :func:`audit`."""
    audit(
        services,
        caller,
        None,
        action=action,
        kind="project",
        resource=project_resource(project.key),
        name=project.name,
        verb=verb,
        comment=comment,
        before=before,
        after=after,
    )


def audit_project_segment(
    services: Services,
    caller: Caller,
    project: Project,
    segment: ProjectSegment,
    *,
    action: str | Sequence[str],
    verb: str,
    before: Summary | None = None,
    after: Summary | None = None,
) -> None:
    """Record a change of a project's segment, or of what belongs to it; see :func:`audit`.

    It is in the account's log, because these segments belong to no environment.
    """
    audit(
        services,
        caller,
        None,
        action=action,
        kind="segment",
        resource=project_segment_resource(project.key, segment.slug),
        name=segment.label,
        verb=verb,
        before=before,
        after=after,
    )


def audit_environment(
    services: Services,
    caller: Caller,
    project: str,
    *,
    action: str | Sequence[str],
    verb: str,
    before: Environment | None = None,
    after: Environment | None = None,
    comment: str | None = None,
) -> None:
    """Record a change of an environment in the account's log; see :func:`audit`.

    Not in the environment's own log, because that is deleted with it.
    """
    environment = after or before
    assert environment is not None  # noqa: S101 - a change has one side at least
    audit(
        services,
        caller,
        None,
        action=action,
        kind="environment",
        resource=environment_resource(EnvironmentRef(project, environment.key)),
        name=environment.name,
        verb=verb,
        comment=comment,
        before=summary_of(before),
        after=summary_of(after),
    )


def audit_in_environment(
    services: Services,
    caller: Caller,
    env: EnvironmentRef,
    *,
    action: str,
    verb: str,
    before: Summary | None = None,
    after: Summary | None = None,
) -> None:
    """Record a change of something that is an environment's, where its own changes are.

    See :func:`audit_environment`.
    """
    audit(
        services,
        caller,
        None,
        action=action,
        kind="environment",
        resource=environment_resource(env),
        name=env.environment,
        verb=verb,
        before=before,
        after=after,
    )


def summary_of(resource: Project | Environment | None) -> Summary | None:
    """Summarise a project or environment for an entry, without the keys of SDKs."""
    if resource is None:
        return None
    return {
        "key": resource.key,
        "name": resource.name,
        "tags": list(resource.tags),
        **resource.details,
    }
