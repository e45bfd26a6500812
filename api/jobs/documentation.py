"""What operations on imports and exports of any dialect share in the OpenAPI document."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BaseModel

from api.jobs.records import JOB_ID

DIFFERENT_KEY_USE: Final = "The `Idempotency-Key` was sent before, with a different request."
LIST_FILE: Final[Mapping[str, Any]] = {
    "type": "string",
    "format": "binary",
    "description": "Text in columns (by default keys in the first one, commas, no header), JSON "
    "Lines or Parquet; text may be compressed by gzip, zstd or bzip2.",
}
#: Documented only: an id that is no UUID is a 404, not a 400.
_UUID: Final[dict[str, Any]] = {
    "format": "uuid",
    "pattern": f"^{JOB_ID.pattern}$",
}

ImportId = Annotated[str, Path(description="The import's id.", json_schema_extra=_UUID)]
ExportId = Annotated[str, Path(description="The export's id.", json_schema_extra=_UUID)]


def location_header(collection: str, job: str) -> dict[str, Any]:
    """Document the ``Location`` of an answer that has started a job.

    Args:
        collection: a pattern of the path below which its imports and exports are.
        job: ``import`` or ``export``.
    """
    return {
        "Location": {
            "description": f"The path of the {job}; it ends with its id.",
            "required": True,
            "schema": {
                "type": "string",
                "pattern": f"^{collection}/{job}s/[0-9a-f-]{{36}}$",
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
