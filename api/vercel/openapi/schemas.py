"""Named schemas of bodies that handlers read by hand, because they may be large."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.jobs.options import SourceBody
from api.jobs.uploads.models import UploadsBody
from api.rest.operations import component
from api.vercel.evaluations.models import EvaluationBody
from api.vercel.flag_settings.models import SettingsPatch
from api.vercel.segments.models import NewSegmentBody, SegmentPatch

_BODIES: Final[tuple[type[BaseModel], ...]] = (
    EvaluationBody,
    NewSegmentBody,
    SegmentPatch,
    SettingsPatch,
    SourceBody,
    UploadsBody,
)
_UINT32: Final = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1}
_DEFINITIONS: Final = {
    "FlagDefinitions": {
        "type": "object",
        "description": "Definitions of flags by their keys, in the packed form of flags-core.",
        "propertyNames": {"pattern": "^[a-zA-Z0-9_-]{1,512}$"},
        "additionalProperties": component("FlagDefinition"),
    },
    "FlagDefinition": {
        "type": "object",
        "description": "A flag; the types of flags-core describe what is inside.",
        "required": ["variants", "environments"],
        "properties": {
            "variants": {
                "type": "array",
                "items": {},
                "minItems": 1,
                "description": "Any values.",
            },
            "variantIds": {"type": "array", "items": {"type": "string"}},
            "seed": {**_UINT32, "description": "Of the shares of splits."},
            "experiment": {"type": "object"},
            "environments": {
                "type": "object",
                "description": "By name: the index of a variant, another environment's "
                "configuration (`reuse`), or `targets`, `rules` and `fallthrough`.",
                "additionalProperties": {
                    "anyOf": [
                        {"type": "integer", "format": "int32", "minimum": 0},
                        {"type": "object"},
                    ]
                },
            },
        },
        "additionalProperties": False,
    },
}


def build_schemas() -> dict[str, Any]:
    """The schemas by name."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template="#/components/schemas/{model}"
    )
    return {**definitions["$defs"], **_DEFINITIONS}
