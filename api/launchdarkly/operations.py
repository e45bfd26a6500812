"""What an operation declares at its handler: who may call it, and what it refuses.

``@operation(needs=…, refuses=…)`` stands between the route's decorator and the handler. What
any request can be refused for (no token, a scope, a limit, a body that is too large) follows
from the route and is added by ``openapi/refusals.py``; an operation declares the rest.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from api.access.auth import Role
from api.access.permissions import Handler, Need, PathNames, declare_need, permission_check
from api.errors import ApiError, NotFound

Refusals = Mapping[type[ApiError], str]
"""Errors of an operation, each with when it comes: a sentence of the OpenAPI document."""

#: Health checks, which the front answers.
NO_TOKEN: Final = Need(None)
READ: Final = Need(Role.READER)
WRITE: Final = Need(Role.WRITER)
ADMIN: Final = Need(Role.ADMIN)
#: An admin whose scope holds all that the path names; a token without a scope where it names
#: no project.
FULL_ADMIN: Final = Need(Role.ADMIN, whole=True)
#: The handler checks the scope, because the path may be read in two ways.
READ_CHECKED_BY_HANDLER: Final = Need(Role.READER, by_handler=True)
WRITE_CHECKED_BY_HANDLER: Final = Need(Role.WRITER, by_handler=True)

NO_PROJECT: Final[Refusals] = MappingProxyType({NotFound: "The project does not exist."})
NO_ENVIRONMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project or the environment does not exist."}
)
NO_SEGMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the environment or the segment does not exist."}
)

JSON: Final = "application/json"
SEMANTIC_PATCH: Final = "application/json; domain-model=launchdarkly.semanticpatch"

_ATTRIBUTE: Final = "__refuses__"
_MEDIA_TYPES: Final = {"json": JSON, "form": "multipart/form-data", "semantic": SEMANTIC_PATCH}
_NONE: Final[Refusals] = MappingProxyType({})

#: Checks what ``needs`` has declared; a dependency of every route.
require_permission = permission_check(PathNames("projectKey", "environmentKey", "segmentKey"))


def operation(*, needs: Need, refuses: Refusals = _NONE) -> Callable[[Handler], Handler]:
    """Declare what a handler needs and refuses; it is checked and documented."""

    def declare(handler: Handler) -> Handler:
        setattr(handler, _ATTRIBUTE, refuses)
        return declare_need(handler, needs)

    return declare


def declared_refusals(handler: Callable[..., Any]) -> Refusals:
    """What a handler has declared to refuse."""
    refusals: Refusals = getattr(handler, _ATTRIBUTE, _NONE)
    return refusals


def component(name: str) -> dict[str, Any]:
    """A reference to a named schema of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def body(
    description: str, *, required: bool = True, **schemas: Mapping[str, Any]
) -> dict[str, Any]:
    """Document a body that the handler reads by hand, for ``openapi_extra``.

    Args:
        description: what is sent.
        required: whether it may be left out.
        schemas: by media type; ``json`` stands for JSON, ``form`` for a form, ``semantic`` for
            a semantic patch.
    """
    content = {_MEDIA_TYPES[name]: {"schema": schema} for name, schema in schemas.items()}
    return {"requestBody": {"description": description, "required": required, "content": content}}


JSON_PATCH_BODY: Final = body(
    "A JSON patch.", json={"anyOf": [component("JsonPatch"), component("PatchWithComment")]}
)
