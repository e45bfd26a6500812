"""JSON Patch (RFC 6902) on a segment's representation.

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

from api.errors import Conflict, InvalidRequest
from api.launchdarkly.json_values import JsonObject

#: What all ``copy`` operations of a patch may copy: characters, and a hundred more for each
#: part of a value. 15,000 keys of ordinary length fit, once. Without a bound, a patch of 40
#: operations could double a value 40 times.
MOST_COPIED: Final = 4_000_000

_OF_A_PART: Final = 100
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
_WITH_VALUE: Final = ("add", "replace", "test")
_WITH_FROM: Final = ("move", "copy")


def apply_json_patch(document: JsonObject, operations: Sequence[object]) -> JsonObject:
    """Apply a patch, all of it or nothing.

    What comes out is a JSON object, but not necessarily a segment.

    Args:
        document: the representation with every field that a segment can have; it is
            changed, and after a refusal it is of no use.
        operations: the patch as it came.

    Raises:
        Conflict: a ``test`` failed, so the segment is not what the caller thinks. Read it
            again and decide anew.
        InvalidRequest: any other operation that is wrong or cannot be applied.
    """
    allowance, fields = MOST_COPIED, frozenset(document)
    for index, raw in enumerate(operations):
        operation = _checked(index, raw)
        field = _field(operation["path"])
        if operation["op"] != "test" and field not in fields:
            raise InvalidRequest(f"patch[{index}]: path names no field that can be changed")
        if operation["op"] == "copy":
            allowance -= _cost(document, operation["from"])
            if allowance < 0:
                raise InvalidRequest(f"patch[{index}]: the copies are too large together")
        shown = f"/{field}" if field in fields else "path"
        document = _applied(document, operation, f"patch[{index}]: {operation['op']} at {shown}")
    return document


def _checked(index: int, raw: object) -> JsonObject:
    """The operation as the library wants it; only what the RFC names is taken over."""
    if not isinstance(raw, dict):
        raise InvalidRequest(f"patch[{index}]: an operation is an object")
    kind = raw.get("op")
    if kind not in _OPERATIONS:
        raise InvalidRequest(f"patch[{index}]: op is one of {', '.join(_OPERATIONS)}")
    operation: JsonObject = {"op": kind}
    for name in ("path", "from") if kind in _WITH_FROM else ("path",):
        pointer = raw.get(name)
        if not isinstance(pointer, str):
            raise InvalidRequest(f"patch[{index}]: {name} is a string such as /rules/0")
        if not pointer and kind != "test":
            raise InvalidRequest(f"patch[{index}]: {name} must not be the whole segment")
        operation[name] = pointer
    if kind in _WITH_VALUE:
        operation["value"] = raw.get("value")
    return operation


def _applied(document: JsonObject, operation: JsonObject, where: str) -> JsonObject:
    """The library's messages repeat values, so none of them is passed on."""
    try:
        patched: JsonObject = JsonPatch([operation]).apply(document, in_place=True)
    except JsonPatchTestFailed as exc:
        raise Conflict(f"{where} failed; read the segment again") from exc
    except (JsonPatchException, JsonPointerException) as exc:
        raise InvalidRequest(f"{where} cannot be applied: no such place") from exc
    except RecursionError as exc:
        raise InvalidRequest(f"{where} nests too deeply") from exc
    return patched


def _field(pointer: str) -> str:
    """The segment's field that a pointer leads into; what is below may be a key."""
    return pointer.split("/")[1] if pointer.startswith("/") else ""


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
