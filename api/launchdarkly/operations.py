"""What operations of this dialect declare in addition to ``api/rest/operations.py``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from api.access.permissions import PathNames, permission_check
from api.errors import NotFound
from api.rest.operations import JSON, Refusals, component

NO_ENVIRONMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project or the environment does not exist."}
)
NO_SEGMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the environment or the segment does not exist."}
)

SEMANTIC_PATCH: Final = "application/json; domain-model=launchdarkly.semanticpatch"

_MEDIA_TYPES: Final = {"json": JSON, "form": "multipart/form-data", "semantic": SEMANTIC_PATCH}

#: Checks what ``needs`` has declared; a dependency of every route.
require_permission = permission_check(PathNames("projectKey", "environmentKey", "segmentKey"))


def document_body(
    description: str, *, required: bool = True, **schemas: Mapping[str, Any]
) -> dict[str, Any]:
    """Document a body that the handler parses itself, for ``openapi_extra``.

    Args:
        description: what is sent.
        required: whether it must be sent.
        schemas: by media type; ``json`` stands for JSON, ``form`` for a form, ``semantic`` for
            a semantic patch.
    """
    content = {_MEDIA_TYPES[name]: {"schema": schema} for name, schema in schemas.items()}
    return {"requestBody": {"description": description, "required": required, "content": content}}


JSON_PATCH_BODY: Final = document_body(
    "A JSON patch.", json={"anyOf": [component("JsonPatch"), component("PatchWithComment")]}
)
