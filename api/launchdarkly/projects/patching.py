"""JSON patches of projects and environments, one after the other."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from api.bodies.json_values import JsonObject
from api.bodies.models import wire_names
from api.errors import Conflict
from api.launchdarkly.patches.json_patch import Patchable, apply_json_patch, patch_refusal
from api.launchdarkly.projects.models import (
    EnvironmentFields,
    ProjectFields,
    details_of,
    follow_older_name,
    stored_fields,
)
from worker.store import Place, PlaceChanged

Kind = type[ProjectFields | EnvironmentFields]

_TRIES = 20

#: Which action a changed field of a project or environment is. Source: LaunchDarkly's list of
#: actions; what it has none for is made the same way.
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


def patch_place(
    kind: Kind,
    operations: list[object],
    read: Callable[[], Place],
    write: Callable[[Place, Place], None],
    record: Callable[[Place, Place], None],
) -> Place:
    """Apply a patch to a project or environment and store the result.

    Args:
        kind: whether it is a project or an environment.
        operations: the patch.
        read: gives the place as it is now.
        write: stores the place unless it has changed since.
        record: called with the place before and after, once it is changed.

    Raises:
        Conflict: a ``test`` failed, or others were faster every time. Read it again.
        InvalidRequest: the patch is wrong or cannot be applied.
    """
    for _ in range(_TRIES):
        current = read()
        fields = _patch_fields(kind, stored_fields(current), operations)
        changed = dataclasses.replace(
            current, name=fields.name, tags=fields.tags, details=details_of(fields)
        )
        if changed == current:
            return current
        try:
            write(current, changed)
        except PlaceChanged:
            continue
        record(current, changed)
        return changed
    raise Conflict("it changes too fast; try again later")


def _patch_fields(
    kind: Kind, before: JsonObject, operations: list[object]
) -> ProjectFields | EnvironmentFields:
    document: JsonObject = kind.model_validate(before).model_dump(mode="json")
    old = copy.deepcopy(document)
    after = apply_json_patch(document, operations, _PATCHABLE[kind])
    try:
        return kind.model_validate(follow_older_name(old, after))
    except ValidationError as exc:
        raise patch_refusal(exc, operations) from exc


def patch_actions(kind: Kind, before: Place, after: Place) -> tuple[str, ...]:
    """The actions of a patch, such as ``updateName``, by the names of the fields."""
    old, new = stored_fields(before), stored_fields(after)
    changed = sorted(name for name in new if new[name] != old.get(name))
    own = _ACTIONS[kind]
    return tuple(own.get(name, f"update{name[0].upper()}{name[1:]}") for name in changed)
