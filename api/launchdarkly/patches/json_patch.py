"""JSON Patch (RFC 6902) on a resource's representation.

The library does the patching; this adds what clients and a public server need: an absent
value is null, the sum of what ``copy`` may copy is bounded, and refusals never repeat a
value. Source: RFC 6902, and what the Go and Python clients send for an empty value.
"""

from collections.abc import Sequence
from typing import Any, Final

from jsonpatch import (
    JsonPatch,
    JsonPatchException,
    JsonPatchTestFailed,
    JsonPointer,
    JsonPointerException,
)
from pydantic import ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.unknown_names import list_known, repeatable
from api.errors import Conflict, InvalidRequest
from api.launchdarkly.patches.patchable import Patchable

#: What all ``copy`` operations of a patch may copy: characters, and a hundred more for each
#: part of a value. 15,000 keys of ordinary length fit, once. Without a bound, a patch of 40
#: operations could double a value 40 times.
MOST_COPIED: Final = 4_000_000

_OF_A_PART: Final = 100
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
_WITH_VALUE: Final = ("add", "replace", "test")
_WITH_FROM: Final = ("move", "copy")


def apply_json_patch(
    document: JsonObject, operations: Sequence[object], resource: Patchable
) -> JsonObject:
    """Apply a patch, all of it or nothing.

    What comes out is a JSON object, but not necessarily such a resource.

    Args:
        document: the representation with every field that the resource can have; it is
            changed, and after a refusal it is of no use.
        operations: the patch as it came.
        resource: what the document is; says which changes are left out.

    Raises:
        Conflict: a ``test`` failed, so the segment is not what the caller thinks. Read it
            again and decide anew.
        InvalidRequest: any other operation that is wrong or cannot be applied.
    """
    allowance, fields = MOST_COPIED, frozenset(document)
    for index, raw in enumerate(operations):
        operation = _checked(index, raw, resource)
        changes = operation["op"] != "test"
        if changes and resource.ignores(operation["path"]):
            continue
        for pointer in _written(operation):
            if pointer not in fields:
                raise InvalidRequest(f"patch[{index}]: {resource.no_field(pointer)}")
        field = field_of(operation["path"])
        if operation["op"] == "copy":
            allowance -= _cost(document, operation["from"])
            if allowance < 0:
                raise InvalidRequest(f"patch[{index}]: the copies are too large together")
        where = f"/{field}" if field in fields else "path"
        document = _applied(document, operation, f"patch[{index}]: {operation['op']} at {where}")
    return document


def patch_refusal(error: ValidationError, operations: Sequence[object]) -> InvalidRequest:
    """What is wrong with a patched document: after which operation, where, and what.

    Args:
        error: what the validation of the whole raised.
        operations: the patch that made it so.
    """
    found, place = refusal(error), error.errors(include_input=False)[0]["loc"]
    return InvalidRequest(f"{blamed(operations, str(place[0])) if place else ''}{found}")


def blamed(operations: Sequence[object], field: str) -> str:
    """``patch[2]: `` for the last operation that wrote a field; nothing if none did."""
    for index in reversed(range(len(operations))):
        operation = operations[index]
        if isinstance(operation, dict) and field in _written(operation):
            return f"patch[{index}]: "
    return ""


def field_of(pointer: str) -> str:
    """The resource's field that a pointer leads into; what is below may be a key."""
    return pointer.split("/")[1] if pointer.startswith("/") else ""


def _written(operation: JsonObject) -> list[str]:
    """The fields that a checked operation changes, and those that it takes from."""
    names = ("path", "from") if operation["op"] in _WITH_FROM else ("path",)
    return [] if operation["op"] == "test" else [field_of(operation[name]) for name in names]


def _checked(index: int, raw: object, resource: Patchable) -> JsonObject:
    """The operation as the library wants it; only what the RFC names is taken over."""
    if not isinstance(raw, dict):
        raise InvalidRequest(f"patch[{index}]: an operation is an object with op and path")
    kind = raw.get("op")
    if kind not in _OPERATIONS:
        what = f"{kind} is not an operation" if repeatable(kind) else "op is not an operation"
        listed = list_known(kind, _OPERATIONS, "operations")
        raise InvalidRequest(f"patch[{index}]: {what}; {listed}")
    operation: JsonObject = {"op": kind}
    for name in ("path", "from") if kind in _WITH_FROM else ("path",):
        pointer = raw.get(name)
        if not isinstance(pointer, str):
            message = f"{kind} needs {name}, a string such as /{resource.fields[0]}"
            raise InvalidRequest(f"patch[{index}]: {message}")
        if not pointer and kind != "test":
            message = f"{name} is empty, which means the whole of {resource.name}"
            listed = list_known(None, resource.fields, "fields")
            raise InvalidRequest(f"patch[{index}]: {message}; {listed}")
        operation[name] = pointer
    if kind in _WITH_VALUE:
        operation["value"] = raw.get("value")
    return operation


def _applied(document: JsonObject, operation: JsonObject, where: str) -> JsonObject:
    """The library's messages repeat values, so none of them is passed on."""
    try:
        patched: JsonObject = JsonPatch([operation]).apply(document, in_place=True)
    except JsonPatchTestFailed as exc:
        raise Conflict(f"{where} failed; read it again") from exc
    except (JsonPatchException, JsonPointerException) as exc:
        raise InvalidRequest(f"{where} cannot be applied: no such place") from exc
    except RecursionError as exc:
        raise InvalidRequest(f"{where} nests too deeply") from exc
    return patched


def _cost(document: JsonObject, pointer: str) -> int:
    try:
        waiting: list[Any] = [JsonPointer(pointer).resolve(document)]
    except JsonPointerException:
        return 0
    cost = 0
    while waiting:
        one = waiting.pop()
        cost += _OF_A_PART
        if isinstance(one, str):
            cost += len(one)
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return cost
