"""Routes and parameters that several operations share, as they are documented.

Patterns of path parameters are documented only: a key that no resource can have is a 404, not
a 400.
"""

from typing import Annotated, Any, Final

from fastapi import Path, Query

from api.bodies.models import Int32, Int64
from api.launchdarkly.wire.links import PREFIX, RESOURCE_KEY
from worker.context_keys import KEY_LIMIT_BYTES

#: The routes below which the operations on segments are.
SEGMENTS_ROUTE: Final = f"{PREFIX}/segments/{{projectKey}}/{{environmentKey}}"
SEGMENT_ROUTE: Final = f"{SEGMENTS_ROUTE}/{{segmentKey}}"

_KEY: Final[dict[str, Any]] = {"pattern": f"^{RESOURCE_KEY.pattern}$"}
_CONTEXT_KEY: Final[dict[str, Any]] = {"minLength": 1, "maxLength": KEY_LIMIT_BYTES}

ProjectKey = Annotated[str, Path(description="The project's key.", json_schema_extra=_KEY)]
EnvironmentKey = Annotated[str, Path(description="The environment's key.", json_schema_extra=_KEY)]
SegmentKey = Annotated[str, Path(description="The segment's key.", json_schema_extra=_KEY)]
ContextKey = Annotated[
    str,
    Path(
        description="The context's key, percent-encoded; its kind is the segment's.",
        json_schema_extra=_CONTEXT_KEY,
    ),
]
ContextKindPart = Annotated[
    str, Path(description="The context's kind, such as `user`.", json_schema_extra=_KEY)
]
ContextKeyOfKind = Annotated[
    str,
    Path(description="The context's key, percent-encoded.", json_schema_extra=_CONTEXT_KEY),
]
UserKey = Annotated[
    str,
    Path(
        description="The context's key, percent-encoded: the older name.",
        json_schema_extra=_CONTEXT_KEY,
    ),
]
Limit = Annotated[Int32, Query(ge=1, le=1000, description="The largest number of items to return.")]
Offset = Annotated[Int64, Query(ge=0, description="The number of items to skip at the beginning.")]


def sort_schema(fields: str) -> dict[str, Any]:
    """The schema of a ``sort`` parameter.

    Args:
        fields: the names that it takes, separated by ``|``.
    """
    return {"pattern": f"^(-?({fields})(,-?({fields}))*)?$"}
