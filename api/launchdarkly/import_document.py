"""What the OpenAPI document says of an import's body, which is read by hand."""

from typing import Any, Final

_MODE: Final = {"type": "string", "enum": ["merge", "replace"], "default": "merge"}
_FLAG: Final = {"type": "boolean", "default": False}
_WAIT: Final = _FLAG | {
    "description": "Build everything, then wait for processBigSegmentImport before it is visible."
}

REQUEST_DOCUMENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "mode": _MODE,
                        "waitOnApprovals": _WAIT,
                        "allowEmpty": _FLAG,
                    },
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["source"],
                    "properties": {
                        "source": {
                            "type": "string",
                            "description": "An object below an allowed prefix.",
                            "examples": ["s3://bigseg/lists/customers.csv"],
                        },
                        "mode": _MODE,
                        "waitOnApprovals": _WAIT,
                        "allowEmpty": _FLAG,
                    },
                }
            },
        },
    },
    "responses": {
        "202": {
            "description": "The import of a list in S3 was accepted.",
            "headers": {"Location": {"schema": {"type": "string"}}},
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/ImportRepresentation"}
                }
            },
        },
        "204": {
            "description": "The upload was accepted; Location is the import.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
    },
}
