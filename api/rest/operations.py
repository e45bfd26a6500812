"""What an operation declares at its handler: who may call it, and what it refuses.

``@operation(needs=…, refuses=…)`` goes between the route's decorator and the handler. Refusals
that any request can get (no token, out of scope, over a limit, too large a body) follow from the
route and are added by the document; an operation declares the others.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from api.access.auth import Role
from api.access.permissions import Handler, Need, declare_need
from api.errors import ApiError, NotFound

Refusals = Mapping[type[ApiError], str]
"""Errors of an operation, each with its cause: a sentence of the OpenAPI document."""

#: For health checks, which the front answers.
NO_TOKEN: Final = Need(None)
#: For paths to which the front admits SDK keys only.
SDK_KEY: Final = Need(Role.SDK_KEY, by_handler=True)
READ: Final = Need(Role.READER)
#: A reader whose scope covers everything inside what the path names.
WHOLE_READ: Final = Need(Role.READER, whole=True)
WRITE: Final = Need(Role.WRITER)
#: A writer whose scope covers everything inside what the path names.
WHOLE_WRITE: Final = Need(Role.WRITER, whole=True)
ADMIN: Final = Need(Role.ADMIN)
#: An admin whose scope covers everything inside what the path names; where the path names no
#: project, an admin without a scope.
FULL_ADMIN: Final = Need(Role.ADMIN, whole=True)
#: The handler checks the scope, because the path can be read in two ways.
READ_CHECKED_BY_HANDLER: Final = Need(Role.READER, by_handler=True)
WRITE_CHECKED_BY_HANDLER: Final = Need(Role.WRITER, by_handler=True)
ADMIN_CHECKED_BY_HANDLER: Final = Need(Role.ADMIN, by_handler=True)

NO_PROJECT: Final[Refusals] = MappingProxyType({NotFound: "The project does not exist."})

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"

_ATTRIBUTE: Final = "__refuses__"
_NONE: Final[Refusals] = MappingProxyType({})


def operation(*, needs: Need, refuses: Refusals = _NONE) -> Callable[[Handler], Handler]:
    """Declare what a handler needs, which is checked, and refuses, which is documented."""

    def declare(handler: Handler) -> Handler:
        setattr(handler, _ATTRIBUTE, refuses)
        return declare_need(handler, needs)

    return declare


def declared_refusals(handler: Callable[..., Any]) -> Refusals:
    """The refusals that a handler declares."""
    refusals: Refusals = getattr(handler, _ATTRIBUTE, _NONE)
    return refusals


def component(name: str) -> dict[str, Any]:
    """Refer to a named schema of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def document_body(
    description: str,
    *,
    required: bool = True,
    json: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    others: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Document a body that the handler parses itself, for ``openapi_extra``.

    Args:
        description: what is sent.
        required: whether it must be sent.
        json: its schema as JSON.
        form: its schema as a form.
        others: its schemas by other media types.
    """
    schemas = {JSON: json, FORM: form, **others}
    content = {
        media_type: {"schema": dict(schema)}
        for media_type, schema in schemas.items()
        if schema is not None
    }
    return {"requestBody": {"description": description, "required": required, "content": content}}
