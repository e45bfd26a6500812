"""What the document says of bodies that routes read by hand, and of answers beside the models."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.references import FORM, JSON, SEMANTIC, component
from worker.context_keys import KEY_LIMIT_BYTES

_MODE: Final = {
    "type": "string",
    "enum": ["merge", "replace"],
    "default": "merge",
    "description": "Whether the list is added to the segment or becomes all of it.",
}
_ALLOW_EMPTY: Final = {
    "type": "boolean",
    "default": False,
    "description": "Whether a list without keys may empty a segment.",
}
_ALLOW_REJECTED: Final = {
    "type": "boolean",
    "default": False,
    "description": "Whether a list may be imported even if most or all of its rows are rejected.",
}
_ALLOW_SHRINK: Final = {
    "type": "boolean",
    "default": False,
    "description": "Whether a replace may remove most of the segment's keys.",
}
_WAIT: Final = {
    "type": "boolean",
    "default": False,
    "description": "Whether the import waits for `processBigSegmentImport` before it is visible.",
}
_UPLOAD: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "CSV (keys in the first column, no header) or Parquet.",
        },
        "mode": _MODE,
        "waitOnApprovals": _WAIT,
        "allowEmpty": _ALLOW_EMPTY,
        "allowRejected": _ALLOW_REJECTED,
        "allowShrink": _ALLOW_SHRINK,
    },
}
_SOURCE: Final = {
    "type": "object",
    "required": ["source"],
    "properties": {
        "source": {
            "type": "string",
            "maxLength": 2_000,
            "description": "An object below a prefix that the operator allows.",
        },
        "mode": _MODE,
        "waitOnApprovals": _WAIT,
        "allowEmpty": _ALLOW_EMPTY,
        "allowRejected": _ALLOW_REJECTED,
        "allowShrink": _ALLOW_SHRINK,
    },
}
_BARE_MERGE_PATCH: Final = {
    "description": "Fields to change, without a wrapper.",
    "allOf": [component("SegmentMergePatch")],
    "not": {
        "anyOf": [{"required": [field]} for field in ("patch", "merge", "instructions")],
    },
}
_SEGMENT_PATCH: Final = {
    "anyOf": [
        component("JsonPatch"),
        component("PatchWithComment"),
        component("MergePatchWithComment"),
        component("BareMergePatch"),
    ]
}
_PLACE_PATCH: Final = {"anyOf": [component("JsonPatch"), component("PatchWithComment")]}
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
        "description": "What SDKs are told about a context; it means nothing here.",
        "type": "object",
        "properties": {"privateAttributes": {"type": "array", "items": {"type": "string"}}},
    },
    "UserContext": {
        "description": "A user, without a kind: the older form.",
        "type": "object",
        "required": ["key"],
        "properties": {"custom": {"type": "object"}, **_ATTRIBUTES},
        "not": {"required": ["kind"]},
    },
}
_CONTEXT: Final = {
    "anyOf": [component(f"{name}Context") for name in ("SingleKind", "MultiKind", "User")]
}
_EXPORT: Final = {
    "type": "object",
    "properties": {
        "format": {"type": "string", "enum": ["csv", "parquet"], "default": "csv"},
    },
}


def body_schemas() -> dict[str, Any]:
    """The parts of these bodies that have a name; generators name types after them."""
    return {"BareMergePatch": _BARE_MERGE_PATCH, **_CONTEXTS}


def body_of(operation_id: str) -> Mapping[str, Any] | None:
    """The body of an operation that reads it by hand."""
    return _BODIES.get(operation_id)


def answers_of(operation_id: str) -> Mapping[str, Any]:
    """Answers of an operation beside those that its route declares, by status."""
    return _ANSWERS.get(operation_id, {})


_PLACE_BODY: Final = {
    "description": "A JSON patch.",
    "required": True,
    "content": {JSON: {"schema": _PLACE_PATCH}},
}
_BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "patchSegment": {
        "description": "A JSON patch, a merge patch or a semantic patch.",
        "required": True,
        "content": {
            JSON: {"schema": _SEGMENT_PATCH},
            SEMANTIC: {"schema": component("SemanticPatch")},
        },
    },
    "patchProject": _PLACE_BODY,
    "patchEnvironment": _PLACE_BODY,
    "patchToken": _PLACE_BODY,
    "getContextInstanceSegmentsMembershipByEnv": {
        "description": "A context: who is asked about. Fields beside these are attributes.",
        "required": True,
        "content": {JSON: {"schema": _CONTEXT}},
    },
    "createBigSegmentImport": {
        "description": "A list as a file.",
        "required": True,
        "content": {FORM: {"schema": _UPLOAD}},
    },
    "createBigSegmentImportFromSource": {
        "description": "Where the list is.",
        "required": True,
        "content": {JSON: {"schema": _SOURCE}},
    },
    "createBigSegmentExport": {
        "description": "The format; CSV if there is no body.",
        "required": False,
        "content": {JSON: {"schema": _EXPORT}},
    },
}


def _location(what: str) -> dict[str, Any]:
    return {
        "Location": {
            "description": f"The path of the {what}; it ends in its id.",
            "required": True,
            "schema": {
                "type": "string",
                "pattern": f"^/api/v2/segments/.+/{what}s/[0-9a-f-]{{36}}$",
            },
        }
    }


#: The binary one first: most generators of clients read both as the first says.
_FILE: Final = {
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    "text/csv": {"schema": {"type": "string"}},
}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": "string"}}


_FILE_HEADERS: Final = {
    "Accept-Ranges": _text("`bytes`: a part of the file can be asked for."),
    "Content-Disposition": _text("A name for the file."),
    "ETag": _text("Names the file, which never changes."),
}
_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "createBigSegmentImport": {
        "204": {
            "description": "The upload was accepted; the body is empty, Location is the import.",
            "headers": _location("import"),
        },
    },
    "createBigSegmentImportFromSource": {
        "202": {
            "description": "The import was accepted.",
            "headers": _location("import"),
            "content": {JSON: {"schema": component("ImportRepresentation")}},
        },
    },
    "createBigSegmentExport": {
        "200": {
            "description": "The export was accepted.",
            "headers": _location("export"),
            "content": {JSON: {"schema": component("ExportRepresentation")}},
        },
    },
    "downloadBigSegmentExport": {
        "200": {
            "description": "The file: CSV with one key a line and no header, or Parquet.",
            "headers": _FILE_HEADERS,
            "content": _FILE,
        },
        "206": {
            "description": "The range of the file that was asked for.",
            "headers": {
                **_FILE_HEADERS,
                "Content-Range": _text("Where the range is, and how many bytes the file has."),
            },
            "content": _FILE,
        },
        "304": {
            "description": "The caller has the file; the body is empty.",
            "headers": {"ETag": _FILE_HEADERS["ETag"]},
        },
    },
}
