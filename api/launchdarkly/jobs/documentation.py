"""What the operations on imports and exports share in the OpenAPI document."""

from typing import Any, Final

from api.errors import NotFound
from api.jobs.documentation import location_header
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


def segment_location(job: str) -> dict[str, Any]:
    """Document the ``Location`` of an answer that has started an ``import`` or the like."""
    return location_header(f"{PREFIX}/segments/.+", job)
