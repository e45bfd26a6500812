"""What the OpenAPI document says of a patch's body, which is read by hand."""

from typing import Any, Final

_OPERATION: Final = {
    "type": "object",
    "required": ["op", "path"],
    "properties": {
        "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
        "path": {"type": "string"},
        "from": {"type": "string"},
        "value": {},
    },
}
_COMMENT: Final = {"type": "string"}

REQUEST_DOCUMENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"type": "array", "items": _OPERATION, "title": "JSON patch"},
                        {
                            "type": "object",
                            "title": "JSON patch with a comment",
                            "required": ["patch"],
                            "properties": {
                                "patch": {"type": "array", "items": _OPERATION},
                                "comment": _COMMENT,
                            },
                        },
                        {
                            "type": "object",
                            "title": "Merge patch, bare or in merge",
                            "properties": {"merge": {"type": "object"}, "comment": _COMMENT},
                            "not": {"required": ["patch"]},
                        },
                    ]
                },
                "examples": {
                    "json patch": {
                        "value": [{"op": "replace", "path": "/description", "value": "Testers"}]
                    },
                    "with a comment": {
                        "value": {
                            "patch": [{"op": "add", "path": "/tags/-", "value": "beta"}],
                            "comment": "why",
                        }
                    },
                    "merge patch": {"value": {"description": "Testers"}},
                },
            },
            "application/json; domain-model=launchdarkly.semanticpatch": {
                "schema": {
                    "type": "object",
                    "title": "Semantic patch",
                    "required": ["instructions"],
                    "properties": {
                        "environmentKey": {"type": "string"},
                        "instructions": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["kind"],
                                "properties": {"kind": {"type": "string"}},
                            },
                        },
                        "comment": _COMMENT,
                    },
                },
                "examples": {
                    "tags": {"value": {"instructions": [{"kind": "addTags", "values": ["beta"]}]}}
                },
            },
        },
    },
}
