"""JSON patches of projects and environments."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Final, TypeVar

from pydantic import ValidationError

from api.bodies.json_values import JsonObject
from api.bodies.models import wire_names
from api.launchdarkly.projects.models import (
    EnvironmentFields,
    ProjectFields,
    reconcile_names,
    select_details,
    stored_fields,
)
from api.launchdarkly.wire.json_patch import Patchable, apply_json_patch, patch_refusal
from worker.store import Environment, Project, retry_on_change

Resource = TypeVar("Resource", Project, Environment)

Kind = type[ProjectFields | EnvironmentFields]

#: The action of a changed field, where it is not ``update`` and the field's name. Source:
#: LaunchDarkly's list of actions.
_ACTIONS: Final = {
    ProjectFields: {"name": "updateProjectName"},
    EnvironmentFields: {"defaultTtl": "updateTtl"},
}
#: The refusal of any request for approvals.
NO_APPROVALS: Final = (
    "changes need no approval here, so there are no settings for approvals; leave them out "
    "(in Terraform, approval_settings and segment_approval_settings)"
)
_NO_PIPELINES: Final = "there are no release pipelines here; leave it out"

PROJECT: Final = Patchable(
    "a project",
    wire_names(ProjectFields),
    absent={"defaultReleasePipelineKey": _NO_PIPELINES},
)
ENVIRONMENT: Final = Patchable(
    "an environment",
    wire_names(EnvironmentFields),
    # Source: the model Environment of LaunchDarkly's clients, and what the provider sends.
    absent={"approvalSettings": NO_APPROVALS, "resourceApprovalSettings": NO_APPROVALS},
)
_PATCHABLE: Final[dict[Kind, Patchable]] = {
    ProjectFields: PROJECT,
    EnvironmentFields: ENVIRONMENT,
}


def patch_resource(
    kind: Kind,
    operations: list[object],
    read: Callable[[], Resource],
    write: Callable[[Resource, Resource], None],
    record: Callable[[Resource, Resource], None],
) -> Resource:
    """Apply a patch to a project or environment and store the result.

    Args:
        kind: whether it is a project or an environment.
        operations: the patch.
        read: returns the current resource.
        write: stores the resource unless it has changed since.
        record: called with the resource before and after a change.

    Raises:
        Conflict: a ``test`` failed. Read it again.
        ResourceChanged: others changed it during every attempt.
        InvalidRequest: the patch is wrong or cannot be applied.
    """

    def attempt() -> Resource:
        current = read()
        fields = _patch_fields(kind, stored_fields(current), operations)
        changed = dataclasses.replace(
            current, name=fields.name, tags=fields.tags, details=select_details(fields)
        )
        if changed == current:
            return current
        write(current, changed)
        record(current, changed)
        return changed

    return retry_on_change("it", attempt)


def _patch_fields(
    kind: Kind, before: JsonObject, operations: list[object]
) -> ProjectFields | EnvironmentFields:
    document: JsonObject = kind.model_validate(before).model_dump(mode="json")
    old = copy.deepcopy(document)
    after = apply_json_patch(document, operations, _PATCHABLE[kind])
    try:
        return kind.model_validate(reconcile_names(old, after))
    except ValidationError as exc:
        raise patch_refusal(exc, operations) from exc


def list_patch_actions(
    kind: Kind, before: Project | Environment, after: Project | Environment
) -> tuple[str, ...]:
    """List the actions of a patch, such as ``updateName``, in the order of the fields' names."""
    old, new = stored_fields(before), stored_fields(after)
    changed = sorted(name for name in new if new[name] != old.get(name))
    own = _ACTIONS[kind]
    return tuple(own.get(name, f"update{name[0].upper()}{name[1:]}") for name in changed)
