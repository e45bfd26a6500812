"""The OpenAPI document: what FastAPI derives from the routes, completed.

Each handler declares what its operation needs and refuses. Examples are recorded from real
answers: ``./scripts/record-examples`` writes ``examples/*.json``, and the contract tests compare
them with what the service answers.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access.permissions import flat_routes, need_of
from api.launchdarkly.openapi.refusals import describe_refusals, error_schema
from api.launchdarkly.openapi.schemas import build_schemas
from api.launchdarkly.openapi.tidying import find_reachable, tidy
from api.rest.operations import NO_TOKEN

_ABOUT: Final = """\
Big segments behind the LaunchDarkly Segments API, and the projects and environments that hold
them.

Send an access token in the `Authorization` header, bare or after `Bearer `. `LD-API-Version`
may have any value. Unknown fields in a body are refused, and so are unknown query parameters,
except those of a GET. Fields of an answer whose names begin with `_` are read-only, and a field
without a value is left out. Every refusal has a `code`, a `message` and an `id`, whatever the
operation.

A token has a role (`reader`, `writer`, `admin`) and may have a scope, its `inlineRole`: anything
outside the scope is a 403 whether it exists or not, and lists leave it out. Where rate limits are
on, every answer, not only a 429, carries `X-Ratelimit-*` headers for the limits that were
applied. A client that can only send GET and POST sends POST and names the method it
means, `PATCH`, `DELETE` or `PUT`, in the header `X-HTTP-Method-Override`.
"""
_TAGS: Final = (
    ("Segments", "Segments, their members, imports and exports."),
    ("Projects", "Projects."),
    ("Environments", "Environments of a project."),
    ("Access tokens", "Who may call, and what they may do."),
    ("Audit log", "Who changed what."),
    ("Service", "The service itself."),
)
_DESCRIPTIONS: Final = {
    "200": "The result.",
    "201": "The created resource.",
    "204": "Done; the response has no body.",
}
_TOKEN: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "An access token.",
}
#: Where a summary ends: LaunchDarkly's are a few words.
_PAUSE: Final = re.compile(r"[.;:]\s|\.$|\n")


def serve_document(app: FastAPI, *, answered_by_front: Iterable[APIRouter]) -> None:
    """Make ``app.openapi()`` return the completed document, which is built once.

    Args:
        app: has all its routes.
        answered_by_front: declarations of what the front answers before the application.
    """
    routes = [*app.routes, *(route for router in answered_by_front for route in router.routes)]

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, routes)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def read_examples() -> dict[str, Any]:
    """Read the recorded examples by operation id; ``refusals`` holds those of any operation."""
    folder = resources.files(__package__) / "examples"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")),
        key=lambda file: file.name,
    )
    return {
        name: examples
        for file in files
        for name, examples in json.loads(file.read_text(encoding="utf-8")).items()
    }


def _document(app: FastAPI, routes: list[BaseRoute]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        summary=app.summary,
        description=_ABOUT,
        version=app.version,
        routes=routes,
        tags=[{"name": name, "description": description} for name, description in _TAGS],
    )
    by_id = {
        route.operation_id: route for route in flat_routes(routes) if isinstance(route, APIRoute)
    }
    examples = read_examples()
    for operation in _operations(document):
        _complete(operation, by_id[operation["operationId"]])
        _add_examples(operation, examples)
    _complete_schemas(document)
    document["components"]["securitySchemes"] = {"ApiKey": _TOKEN}
    document["security"] = [{"ApiKey": []}]
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path_item in document["paths"].values():
        yield from path_item.values()


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    text = operation.get("description", "").replace("``", "`")
    operation["description"] = text
    operation["summary"] = _PAUSE.split(text, maxsplit=1)[0]
    if need_of(route) == NO_TOKEN:
        operation["security"] = []
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"].items()
        parameter["schema"] = {
            part: value for part, value in schema if part not in {"title", "description"}
        }
    _order_parameters(operation, route.path)
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's; validation answers 400 here
    for status, answer in responses.items():
        if answer["description"] == "Successful Response":
            answer["description"] = _DESCRIPTIONS[status]
    operation["responses"] = describe_refusals(route, operation) | responses


def _order_parameters(operation: dict[str, Any], path: str) -> None:
    """Put those of the path first, in its order: generators make arguments of them."""
    operation.get("parameters", []).sort(
        key=lambda parameter: (
            path.index(f"{{{parameter['name']}}}") if parameter["in"] == "path" else len(path)
        )
    )


def _add_examples(operation: dict[str, Any], recorded: dict[str, Any]) -> None:
    own, refusals = recorded.get(operation["operationId"], {}), recorded.get("refusals", {})
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in own.get("parameters", {}):
            parameter["example"] = own["parameters"][parameter["name"]]
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        media["examples"] = _named(own.get("bodies", {}).get(media_type, {}))
    for status, answer in operation["responses"].items():
        source = own if status in own.get("answers", {}) | own.get("headers", {}) else refusals
        values, headers = (source.get(part, {}).get(status, {}) for part in ("answers", "headers"))
        content = answer.get("content", {}).values()
        texts = [media for media in content if media["schema"].get("format") != "binary"]
        for media in texts[: bool(values)]:
            media["examples"] = _named(values)
        for name, header in answer.get("headers", {}).items():
            if name in headers:
                header["example"] = headers[name]


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}


def _complete_schemas(document: dict[str, Any]) -> None:
    operations = list(_operations(document))
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= copy.deepcopy(build_schemas()) | {"Error": error_schema()}
    asked = find_reachable([operation.get("requestBody") for operation in operations], schemas)
    answered = find_reachable([operation["responses"] for operation in operations], schemas)
    tidy(schemas, answered - asked)
    for name in schemas.keys() - asked - answered:
        del schemas[name]  # FastAPI's own error, and parts of instructions that nothing refers to
