"""What operations of this dialect declare in addition to ``api/rest/operations.py``."""

from types import MappingProxyType
from typing import Final

from api.access.permissions import PathNames, permission_check
from api.errors import NotFound
from api.rest.operations import Refusals, component, document_body

NO_ENVIRONMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project or the environment does not exist."}
)
NO_SEGMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the environment or the segment does not exist."}
)

SEMANTIC_PATCH: Final = "application/json; domain-model=launchdarkly.semanticpatch"

#: Checks what ``needs`` has declared; a dependency of every route.
require_permission = permission_check(PathNames("projectKey", "environmentKey", "segmentKey"))


JSON_PATCH_BODY: Final = document_body(
    "A JSON patch.", json={"anyOf": [component("JsonPatch"), component("PatchWithComment")]}
)
