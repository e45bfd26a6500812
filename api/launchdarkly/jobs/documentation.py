"""What the operations on imports and exports share in the OpenAPI document."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BaseModel

from api.errors import NotFound
from api.launchdarkly.wire.links import JOB_ID, PREFIX
from api.rest.operations import Refusals

DIFFERENT_KEY_USE: Final = "The `Idempotency-Key` was sent before, with a different request."
NO_IMPORT: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the import does not exist."
}
NO_EXPORT: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the export does not exist."
}
#: Documented only: an id that is no UUID is a 404, not a 400.
_UUID: Final[dict[str, Any]] = {
    "format": "uuid",
    "pattern": f"^{JOB_ID.pattern}$",
}

ImportId = Annotated[str, Path(description="The import's id.", json_schema_extra=_UUID)]
ExportId = Annotated[str, Path(description="The export's id.", json_schema_extra=_UUID)]


def location_header(job: str) -> dict[str, Any]:
    """Document the ``Location`` of an answer that has started an ``import`` or ``export``."""
    return {
        "Location": {
            "description": f"The path of the {job}; it ends with its id.",
            "required": True,
            "schema": {
                "type": "string",
                "pattern": f"^{PREFIX}/segments/.+/{job}s/[0-9a-f-]{{36}}$",
            },
        }
    }


def inline_schema(model: type[BaseModel], **required: Mapping[str, Any]) -> dict[str, Any]:
    """A model's schema without a name of its own: generated clients name it by its operation.

    Args:
        model: has fields of plain types only, and needs none of them.
        required: more fields, which must be sent.
    """
    properties = {
        name: {part: value for part, value in field.items() if part != "title"}
        for name, field in model.model_json_schema()["properties"].items()
    }
    names = {"required": list(required)} if required else {}
    return {"type": "object", **names, "properties": {**required, **properties}}
