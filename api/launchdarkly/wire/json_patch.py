"""JSON Patch (RFC 6902) on a resource's representation.

The library does the patching; this adds what clients and a public server need: an absent
value is null, the total that ``copy`` may copy is bounded, and refusals never repeat a
value. Source: RFC 6902, and what the Go and Python clients send for an empty value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

#: What all ``copy`` operations of a patch may copy: characters, plus a hundred for each part of a
#: value. A list of 15,000 keys of ordinary length fits once. Without a bound, a patch of 40
#: operations could double a value 40 times.
MOST_COPIED: Final = 4_000_000

_PART_COST: Final = 100
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
_WITH_VALUE: Final = ("add", "replace", "test")
_WITH_FROM: Final = ("move", "copy")


@dataclass(frozen=True, slots=True)
class Patchable:
    """What patches may change in a kind of resource."""

    name: str
    """With its article, for refusals."""
    fields: tuple[str, ...]
    """Those that a patch can change."""
    ignored: frozenset[str] = frozenset()
    """Fields that a known client sends although LaunchDarkly has no such field; operations on
    them are skipped. See ``ignored_fields``."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """LaunchDarkly's fields for what does not exist here, each with an explanation."""

    def ignores(self, pointer: str) -> bool:
        """Whether a change of this field is skipped; the rest of its patch is applied."""
        return pointer.removeprefix("/") in self.ignored

    def explain_no_field(self, name: str) -> str:
        """Say why a name that is not in ``fields`` cannot be changed, and what can."""
        if name in self.absent:
            return f"/{name}: {self.absent[name]}"
        listed = list_known(name, self.fields, "fields")
        if repeatable(name) is None:
            return f"path names no field of {self.name}; {listed}"
        return f"/{name} is not a field of {self.name}; {listed}"


def apply_json_patch(
    document: JsonObject, operations: Sequence[object], resource: Patchable
) -> JsonObject:
    """Apply all of a patch, or nothing.

    The result is a JSON object, but not necessarily a valid resource.

    Args:
        document: the representation with every field that the resource can have. It is
            changed, and unusable after a refusal.
        operations: as received, not checked.
        resource: what the document is.

    Raises:
        Conflict: a ``test`` failed, so the resource is not what the caller thinks.
        InvalidRequest: any other operation that is wrong or cannot be applied.
    """
    allowance, fields = MOST_COPIED, frozenset(document)
    for index, raw in enumerate(operations):
        operation = _check(index, raw, resource)
        kind, path = operation["op"], operation["path"]
        if kind != "test" and resource.ignores(path):
            continue
        for name in _written_fields(operation):
            if name not in fields:
                raise InvalidRequest(f"patch[{index}]: {resource.explain_no_field(name)}")
        if kind == "copy":
            allowance -= _measure(document, operation["from"])
            if allowance < 0:
                raise InvalidRequest(f"patch[{index}]: the copies are too large together")
        where = f"/{_field(path)}" if _field(path) in fields else "path"
        document = _apply(document, operation, f"patch[{index}]: {kind} at {where}")
    return document


def patch_refusal(error: ValidationError, operations: Sequence[object]) -> InvalidRequest:
    """Word the first fault of a patched document, with the operation that caused it.

    Args:
        error: what the validation of the document raised.
        operations: the patch.
    """
    found, path = refusal(error), error.errors(include_input=False)[0]["loc"]
    return InvalidRequest(f"{blame(operations, str(path[0])) if path else ''}{found}")


def blame(operations: Sequence[object], name: str) -> str:
    """Name the last operation that wrote a field, as ``patch[2]: ``; '' if none did."""
    for index in reversed(range(len(operations))):
        operation = operations[index]
        if isinstance(operation, dict) and name in _written_fields(operation):
            return f"patch[{index}]: "
    return ""


def _field(pointer: str) -> str:
    """The field that a pointer points into; the rest of the pointer may contain a context key."""
    return pointer.split("/")[1] if pointer.startswith("/") else ""


def _written_fields(operation: JsonObject) -> list[str]:
    """The fields that a checked operation changes or takes from."""
    names = ("path", "from") if operation["op"] in _WITH_FROM else ("path",)
    return [] if operation["op"] == "test" else [_field(operation[name]) for name in names]


def _check(index: int, raw: object, resource: Patchable) -> JsonObject:
    """Check an operation; give it with the RFC's members alone, as the library needs it."""
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


def _apply(document: JsonObject, operation: JsonObject, where: str) -> JsonObject:
    try:
        patched: JsonObject = JsonPatch([operation]).apply(document, in_place=True)
    # The library's messages repeat values, so none of them is passed on.
    except JsonPatchTestFailed as exc:
        raise Conflict(f"{where} failed; read it again") from exc
    except (JsonPatchException, JsonPointerException) as exc:
        raise InvalidRequest(f"{where} cannot be applied: no such place") from exc
    except RecursionError as exc:
        raise InvalidRequest(f"{where} nests too deeply") from exc
    return patched


def _measure(document: JsonObject, pointer: str) -> int:
    try:
        waiting: list[Any] = [JsonPointer(pointer).resolve(document)]
    except JsonPointerException:
        return 0
    cost = 0
    while waiting:
        value = waiting.pop()
        cost += _PART_COST
        if isinstance(value, str):
            cost += len(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return cost
