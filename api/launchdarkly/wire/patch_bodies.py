"""Reads a patch as the kind that its content type and its form announce.

====================================================  =================================
``application/json; domain-model=launchdarkly.…``     ``{environmentKey?, instructions}``
any other JSON type                                   ``[…]``, ``{patch: […]}``: RFC 6902
same                                                  ``{merge: {…}}``, ``{…}``: RFC 7386
====================================================  =================================

Source: the documentation of Patch segment. Not documented, chosen here: instructions
without the content type's parameter are refused, not merged as an unknown field, and
``environmentKey`` may be left out, as in the documentation's own examples.
"""

from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from api.bodies.json_values import JsonObject, read_json
from api.bodies.unknown_names import require_known
from api.errors import InvalidRequest

#: Operations or instructions of one patch. Each takes 10 to 30 µs of a core.
MOST_STEPS: Final = 10_000

_PARAMETER: Final = "domain-model"
_MODEL: Final = "launchdarkly.semanticpatch"


@dataclass(frozen=True, slots=True)
class SemanticPatch:
    """Instructions, not yet checked."""

    instructions: list[Any]
    comment: str | None


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """Operations of RFC 6902, not yet checked."""

    operations: list[Any]
    comment: str | None


@dataclass(frozen=True, slots=True)
class MergePatch:
    """Changes of RFC 7386, not yet checked."""

    changes: JsonObject
    comment: str | None


async def read_json_patch(request: Request) -> JsonPatch:
    """Read a body that must be a JSON patch: its operations, or ``{patch, comment}``.

    Raises:
        InvalidRequest: it is anything else.
    """
    body = read_json(await request.body())
    fields = body if isinstance(body, dict) and "patch" in body else {}
    require_known(fields, ("patch", "comment"))
    operations = fields.get("patch", body)
    if not isinstance(operations, list):
        message = "a patch is a list of operations, or an object: {patch, comment}"
        raise InvalidRequest(f"{message}; no other kind of patch is accepted here")
    return JsonPatch(operations, _read_comment(fields))


def is_semantic(content_type: str) -> bool:
    """Whether a content type announces a semantic patch.

    As for any media type, case, blanks and quotes make no difference.
    """
    _, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == _PARAMETER:
            return value.strip().strip('"').lower() == _MODEL
    return False


def read_patch(
    body: object, content_type: str, environment: str
) -> SemanticPatch | JsonPatch | MergePatch:
    """Read a body as one of the three kinds of patches.

    Args:
        body: the parsed body.
        content_type: the header, whole; '' counts as JSON.
        environment: the key in the path.

    Raises:
        InvalidRequest: the body is not a patch of the announced kind, or it is for another
            environment.
    """
    if is_semantic(content_type):
        return _read_semantic(body, environment)
    if isinstance(body, list):
        return JsonPatch(_require_few(body, "patch"), comment=None)
    if isinstance(body, dict):
        return _read_object(body)
    raise InvalidRequest(
        "a patch is a list of operations, or an object: {patch, comment}, {merge, comment}, "
        "or the fields to be merged"
    )


def _read_object(body: JsonObject) -> JsonPatch | MergePatch:
    if "instructions" in body:
        message = f"send instructions as application/json; {_PARAMETER}={_MODEL}"
        raise InvalidRequest(message)
    if "patch" in body:
        operations = body["patch"]
        if not isinstance(operations, list):
            raise InvalidRequest("patch: a list of operations is expected, each with op and path")
        require_known(body, ("patch", "comment"))
        return JsonPatch(_require_few(operations, "patch"), _read_comment(body))
    if "merge" in body:
        changes = body["merge"]
        if not isinstance(changes, dict):
            raise InvalidRequest("merge: an object of the fields to be changed is expected")
        require_known(body, ("merge", "comment"))
        return MergePatch(changes, _read_comment(body))
    return MergePatch(body, comment=None)


def _read_semantic(body: object, environment: str) -> SemanticPatch:
    if not isinstance(body, dict):
        raise InvalidRequest(
            "a semantic patch is an object with a list of instructions and an optional comment"
        )
    instructions = body.get("instructions")
    if not isinstance(instructions, list):
        raise InvalidRequest("instructions: a list of objects is expected, each with a kind")
    require_known(body, ("environmentKey", "instructions", "comment"))
    named = body.get("environmentKey")
    if named is not None and named != environment:
        message = f"environmentKey: the path says {environment}; send the same or leave it out"
        raise InvalidRequest(message)
    return SemanticPatch(_require_few(instructions, "instructions"), _read_comment(body))


def _require_few(steps: list[Any], field: str) -> list[Any]:
    if len(steps) > MOST_STEPS:
        raise InvalidRequest(
            f"{field}: {len(steps):,} entries; one request takes {MOST_STEPS:,}; send several"
        )
    return steps


def _read_comment(body: JsonObject) -> str | None:
    comment = body.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise InvalidRequest("comment: a string is expected")
    return comment
