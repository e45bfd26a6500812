"""JSON patches of projects and environments, one after the other."""

import dataclasses
from collections.abc import Callable

from fastapi import Request

from api.errors import Conflict, InvalidRequest
from api.launchdarkly.json_patching import apply_json_patch
from api.launchdarkly.json_values import JsonObject, read_json
from api.launchdarkly.place_bodies import (
    EnvironmentFields,
    ProjectFields,
    details_of,
    fields_of,
)
from worker.store import Place, PlaceChanged

Kind = type[ProjectFields | EnvironmentFields]

_TRIES = 20


async def operations_of(request: Request) -> list[object]:
    """The operations of a request's body, not yet checked.

    Raises:
        InvalidRequest: the body is no list of operations.
    """
    body = read_json(await request.body())
    if isinstance(body, dict) and "patch" in body:
        body = body["patch"]
    if not isinstance(body, list):
        raise InvalidRequest("a patch is a list of operations")
    return body


def patched(
    kind: Kind,
    operations: list[object],
    read: Callable[[], Place],
    write: Callable[[Place, Place], None],
) -> Place:
    """Apply a patch to a place and store what becomes of it.

    Args:
        kind: whether it is a project or an environment.
        operations: the patch.
        read: gives the place as it is now.
        write: stores the place unless it has changed since.

    Raises:
        Conflict: a ``test`` failed, or others were faster every time. Read it again.
        InvalidRequest: the patch is wrong or cannot be applied.
    """
    for _ in range(_TRIES):
        current = read()
        before = {**current.details, "name": current.name, "tags": current.tags}
        document: JsonObject = kind.model_validate(before).model_dump(mode="json")
        fields = fields_of(kind, apply_json_patch(document, operations))
        changed = dataclasses.replace(
            current, name=fields.name, tags=fields.tags, details=details_of(fields)
        )
        if changed == current:
            return current
        try:
            write(current, changed)
        except PlaceChanged:
            continue
        return changed
    raise Conflict("it changes too fast; try again later")
