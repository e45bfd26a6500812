"""What the operations on imports and exports share in the OpenAPI document."""

from typing import Any, Final

from api.errors import Conflict, KeyReused, NotFound
from api.jobs.documentation import DIFFERENT_KEY_USE, location_header
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import PREFIX
from api.rest.operations import Refusals

NO_IMPORT: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the import does not exist."
}
NO_PREVIEW: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the import does not exist, or the "
    "import neither waits for an approval nor was a dry run."
}
NO_EXPORT: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the export does not exist."
}
NO_UPLOAD: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the upload does not exist."
}
NO_IMPORT_STARTED: Final[Refusals] = {
    **NO_SEGMENT,
    Conflict: "Another import of the segment is running, or a request with this "
    "`Idempotency-Key` is under way.",
    KeyReused: DIFFERENT_KEY_USE,
}


def segment_location(job: str) -> dict[str, Any]:
    """Document the ``Location`` of an answer that has started an ``import`` or the like."""
    return location_header(f"{PREFIX}/segments/.+", job)


#: The answer to a request that has started an import.
IMPORT_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "The import was accepted.", "headers": segment_location("import")}
}
