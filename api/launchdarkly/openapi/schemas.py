"""Named schemas that no route's model defines: the parts of patches, contexts, bulk look-ups."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.launchdarkly.memberships.bulk_question import BigSegmentMembershipsQuestion
from api.launchdarkly.segments.instructions.applying import TABLE
from api.launchdarkly.segments.instructions.instruction import InstructionKind
from api.launchdarkly.targeting.values import SegmentDocument
from api.rest.operations import component
from worker.context_keys import KEY_LIMIT_BYTES

_COMMENT: Final = {"type": "string", "description": "The reason, for the audit log."}
_POINTER: Final = {"type": "string", "pattern": "^(/([^/~]|~[01])*)*$"}
_CONTEXT_KIND: Final = {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"}
_ATTRIBUTES: Final = {
    "key": {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT_BYTES},
    "name": {"type": ["string", "null"]},
    "anonymous": {"type": "boolean", "default": False},
    "_meta": component("ContextMeta"),
}
_CONTEXTS: Final = {
    "SingleKindContext": {
        "description": "A context of one kind.",
        "type": "object",
        "required": ["kind", "key"],
        "properties": {
            "kind": {**_CONTEXT_KIND, "not": {"enum": ["kind", "multi"]}},
            **_ATTRIBUTES,
        },
    },
    "MultiKindContext": {
        "description": "Contexts of several kinds, by the names of their kinds.",
        "type": "object",
        "required": ["kind"],
        "minProperties": 2,
        "properties": {"kind": {"type": "string", "const": "multi"}},
        "propertyNames": _CONTEXT_KIND,
        "additionalProperties": component("ContextAttributes"),
    },
    "ContextAttributes": {
        "description": "One context of several.",
        "type": "object",
        "required": ["key"],
        "properties": _ATTRIBUTES,
    },
    "ContextMeta": {
        "description": "Settings for SDKs, which have no effect here.",
        "type": "object",
        "properties": {"privateAttributes": {"type": "array", "items": {"type": "string"}}},
    },
    "UserContext": {
        "description": "A user: the older form, without a kind.",
        "type": "object",
        "required": ["key"],
        "properties": {"custom": {"type": "object"}, **_ATTRIBUTES},
        "not": {"required": ["kind"]},
    },
}
_SEGMENTS: Final = {
    "any": "For every segment.",
    "standard": "For standard segments.",
    "big": "For big segments.",
}


def build_schemas() -> dict[str, Any]:
    """The schemas by name."""
    question = BigSegmentMembershipsQuestion
    return {**_patch_schemas(), **_CONTEXTS, question.__name__: question.model_json_schema()}


def _patch_schemas() -> dict[str, Any]:
    models, parts = _model_schemas()
    instructions = {
        _component_name(name): _instruction(name, kind, models[kind.parameters])
        for name, kind in TABLE.items()
    }
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
        "SegmentMergePatch": _merge_patch(models[SegmentDocument]),
        "MergePatchWithComment": _with_comment("merge", "SegmentMergePatch"),
        "BareMergePatch": {
            "description": "Fields to change, without a wrapper.",
            "allOf": [component("SegmentMergePatch")],
            "not": {
                "anyOf": [{"required": [field]} for field in ("patch", "merge", "instructions")]
            },
        },
    }


def _model_schemas() -> tuple[dict[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    """The schemas of the models of patches, and by name those of their parts."""
    models = sorted(
        {kind.parameters for kind in TABLE.values()} | {SegmentDocument},
        key=lambda model: f"{model.__module__}.{model.__qualname__}",
    )
    references, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    names = {model: references[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    own = {model: schemas.pop(name) for model, name in names.items()}
    for name in ("Clause", "Rule"):
        # Generated when left out; the schema's own default would be null.
        schemas[name]["properties"]["_id"].pop("default", None)
    return own, schemas


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
        "description": "One change; `kind` determines its parameters.",
        "oneOf": list(references.values()),
        "discriminator": {
            "propertyName": "kind",
            "mapping": {name: target["$ref"] for name, target in references.items()},
        },
    }


def _semantic_patch() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Instructions, applied in order: all or none.",
        "required": ["instructions"],
        "properties": {
            "environmentKey": {
                "type": "string",
                "description": "The environment in the path, if given.",
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
            "path": {**_POINTER, "description": "The place to change, as a JSON pointer."},
            "from": {
                **_POINTER,
                "description": "For `move` and `copy`: the place to take the value from.",
            },
            "value": {"description": "For `add`, `replace` and `test`; null if left out."},
        },
    }


def _merge_patch(document: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: schema if name == "name" else _or_null(schema)
        for name, schema in document["properties"].items()
    }
    return {
        "type": "object",
        "description": "Fields to change (RFC 7386): null empties a field, lists are replaced "
        "as a whole.",
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
        "description": "The same, with a comment.",
        "required": [field],
        "properties": {field: component(name), "comment": _COMMENT},
    }
