"""Schemas of what patches are made of: instructions, operations, and a segment's fields."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from api.launchdarkly.openapi.references import TEMPLATE, component
from api.launchdarkly.segments.instructions.applying import TABLE
from api.launchdarkly.segments.instructions.instruction import InstructionKind
from api.launchdarkly.targeting.values import SegmentDocument

_COMMENT: Final = {"type": "string", "description": "Why; for the log of changes."}
_POINTER: Final = {"type": "string", "pattern": "^(/([^/~]|~[01])*)*$"}
_SEGMENTS: Final = {
    "any": "For every segment.",
    "standard": "For standard segments.",
    "big": "For big segments.",
}


def patch_schemas() -> dict[str, Any]:
    """All schemas that patches need, by name."""
    models = {one.parameters for one in TABLE.values()} | {SegmentDocument}
    chosen = sorted(models, key=lambda one: f"{one.__module__}.{one.__qualname__}")
    references, definitions = models_json_schema(
        [(one, "validation") for one in chosen], ref_template=TEMPLATE
    )
    defined: dict[str, Any] = definitions["$defs"]

    def taken(model: Any) -> dict[str, Any]:  # noqa: ANN401 - a class of models
        reference: str = references[model, "validation"]["$ref"]
        schema: dict[str, Any] = defined[reference.rpartition("/")[2]]
        return schema

    instructions = {
        _component_name(name): _instruction(name, kind, taken(kind.parameters))
        for name, kind in TABLE.items()
    }
    whole = taken(SegmentDocument)
    own = {references[one, "validation"]["$ref"].rpartition("/")[2] for one in chosen}
    parts = {name: schema for name, schema in defined.items() if name not in own}
    for name in ("Clause", "Rule"):
        # Left out, it is made; the schema's own default would be none.
        parts[name]["properties"]["_id"].pop("default", None)
    return {
        **parts,
        **instructions,
        "Instruction": _any_instruction(),
        "SemanticPatch": _semantic_patch(),
        "PatchOperation": _operation(),
        "JsonPatch": {
            "type": "array",
            "description": "A JSON patch (RFC 6902).",
            "items": component("PatchOperation"),
        },
        "PatchWithComment": _with_comment("patch", "JsonPatch"),
        "SegmentMergePatch": _merge_patch(whole),
        "MergePatchWithComment": _with_comment("merge", "SegmentMergePatch"),
    }


def _component_name(kind: str) -> str:
    return f"{kind[0].upper()}{kind[1:]}Instruction"


def _instruction(
    name: str, kind: InstructionKind[Any], parameters: dict[str, Any]
) -> dict[str, Any]:
    properties = dict(parameters["properties"])
    if name == "updateClause":
        properties["clause"] = component("Clause")
    if "_id" in properties:
        properties["_id"] = {"type": "string", "minLength": 1, "maxLength": 256}
    return {
        "type": "object",
        "description": f"{parameters['description']} {_SEGMENTS[kind.segments]}",
        "required": ["kind", *parameters.get("required", ())],
        "properties": {"kind": {"type": "string", "const": name}, **properties},
    }


def _any_instruction() -> dict[str, Any]:
    references = {name: component(_component_name(name)) for name in TABLE}
    return {
        "description": "One change; `kind` says which, and which parameters it has.",
        "oneOf": list(references.values()),
        "discriminator": {
            "propertyName": "kind",
            "mapping": {name: one["$ref"] for name, one in references.items()},
        },
    }


def _semantic_patch() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Instructions, applied in order: all of them or none.",
        "required": ["instructions"],
        "properties": {
            "environmentKey": {
                "type": "string",
                "description": "The same as in the path, or left out.",
            },
            "instructions": {"type": "array", "items": component("Instruction")},
            "comment": _COMMENT,
        },
    }


def _operation() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One operation of a JSON patch.",
        "required": ["op", "path"],
        "properties": {
            "op": {
                "type": "string",
                "enum": ["add", "remove", "replace", "move", "copy", "test"],
            },
            "path": {**_POINTER, "description": "Where, as a JSON pointer."},
            "from": {**_POINTER, "description": "Of `move` and `copy`: from where."},
            "value": {"description": "Of `add`, `replace` and `test`; left out, it is null."},
        },
    }


def _merge_patch(document: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: schema if name == "name" else _or_null(schema)
        for name, schema in document["properties"].items()
    }
    return {
        "type": "object",
        "description": "Fields to change (RFC 7386): null empties one, lists are replaced whole.",
        "properties": properties,
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    bare = {part: value for part, value in schema.items() if part not in {"default", "title"}}
    if any(choice == {"type": "null"} for choice in bare.get("anyOf", ())):
        return bare
    return {"anyOf": [bare, {"type": "null"}]}


def _with_comment(field: str, name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "The same with the reason for it.",
        "required": [field],
        "properties": {field: component(name), "comment": _COMMENT},
    }
