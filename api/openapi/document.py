"""The OpenAPI document: what FastAPI derives from the routes of all dialects, completed.

Each handler declares what its operation needs and refuses. Examples are recorded from real
answers: ``./scripts/record-examples`` writes ``examples/*.json`` of each dialect, and the contract
tests compare them with what the service answers.
"""

import copy
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.access.permissions import flat_routes
from api.openapi.contribution import Contribution, Json, read_examples
from api.openapi.operations import (
    add_examples,
    authenticate,
    complete_operation,
    operations_of,
    requirement,
)
from api.openapi.refusals import ERROR
from api.openapi.tidying import find_reachable, prefix_names, tidy

_ABOUT: Final = """\
Segments for the clients of two APIs, which share projects, access tokens, rate limits and the
audit log. Send an access token in the `Authorization` header, bare or after `Bearer `. Every
refusal has a code, a message and an id, whatever the operation.

A token has a role (`reader`, `writer`, `admin`) and may have a scope: anything outside it is a 403
whether it exists or not, and lists leave it out. Where rate limits are on, every answer, not only a
429, carries `X-Ratelimit-*` headers for the limits that were applied. A client that can only send
GET and POST sends POST and names the method it means, `PATCH`, `DELETE` or `PUT`, in the header
`X-HTTP-Method-Override`. Unknown query parameters are refused, except those of a GET.
"""


def serve_document(app: FastAPI, contributions: Sequence[Contribution]) -> None:
    """Make ``app.openapi()`` return the completed document, which is built once.

    Args:
        app: gives the title, and serves it.
        contributions: of all dialects; how callers of the first one authenticate is the rule.
    """

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, contributions)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI, contributions: Sequence[Contribution]) -> Json:
    parts = [_part(app, contribution) for contribution in contributions]
    document: Json = {
        "openapi": parts[0]["openapi"],
        "info": {
            "title": app.title,
            "summary": app.summary,
            "description": "\n".join([_ABOUT, *(one.about for one in contributions)]),
            "version": app.version,
        },
        "paths": {path: item for part in parts for path, item in part["paths"].items()},
        "components": {
            "schemas": {
                name: schema
                for part in parts
                for name, schema in part["components"]["schemas"].items()
            },
            "securitySchemes": {
                name: dict(scheme)
                for one in contributions
                for name, scheme in {**one.security, **one.sdk_security}.items()
            },
        },
        "tags": [
            {"name": name, "description": text}
            for one in contributions
            for name, text in one.tags.items()
        ],
        "security": requirement(contributions[0].security),
    }
    for one, part in zip(contributions, parts, strict=True):
        authenticate(part, one, default=contributions[0].security)
    return document


def _part(app: FastAPI, contribution: Contribution) -> Json:
    """The paths and schemas of one dialect."""
    routes = list(contribution.routes)
    part = get_openapi(title=app.title, version=app.version, routes=routes)
    by_id = {
        route.operation_id: route for route in flat_routes(routes) if isinstance(route, APIRoute)
    }
    examples = read_examples(contribution.examples)
    for operation in operations_of(part):
        complete_operation(operation, by_id[operation["operationId"]], contribution)
        add_examples(operation, examples)
    _complete_schemas(part, contribution)
    return prefix_names(part, contribution.schema_prefix)


def _complete_schemas(part: Json, contribution: Contribution) -> None:
    operations = list(operations_of(part))
    schemas: dict[str, Any] = part.setdefault("components", {}).setdefault("schemas", {})
    schemas |= copy.deepcopy(dict(contribution.schemas)) | {ERROR: dict(contribution.error)}
    asked = find_reachable([operation.get("requestBody") for operation in operations], schemas)
    answered = find_reachable([operation["responses"] for operation in operations], schemas)
    tidy(schemas, answered - asked)
    for name in schemas.keys() - asked - answered:
        del schemas[name]  # FastAPI's own error, and parts of bodies that nothing refers to
