"""Putting the document together: FastAPI's part, what it does not know, and the tables."""

import re
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.launchdarkly.openapi import beside_fastapi
from api.launchdarkly.openapi.bodies import answers_of, body_of, body_schemas
from api.launchdarkly.openapi.examples import examples_of
from api.launchdarkly.openapi.instructions import patch_schemas
from api.launchdarkly.openapi.parameters import described
from api.launchdarkly.openapi.refusals import error_schema, refusals_of
from api.launchdarkly.openapi.tidying import reachable, tidy

_ABOUT: Final = """\
Big segments behind the LaunchDarkly Segments API, and the projects and environments they are in.

Send an access token in the `Authorization` header, bare or after `Bearer `. `LD-API-Version`
may have any value. Unknown fields of a body are refused, and so are unknown query parameters of
any request but GET. Fields of an answer whose name begins with `_` are read-only, and a field
without a value is left out. Every refusal has a `code`, a `message` and an `id`, whatever the
operation.

A token has a role (`reader`, `writer`, `admin`) and may have a scope, its `inlineRole`: what is
out of scope is a 403 whether it exists or not, and lists leave it out. Where rate limits are on,
every answer, not only a 429, carries `X-Ratelimit-*` headers for the limits that were applied.
A client that can send no other method than POST names the one it means, `PATCH`, `DELETE` or
`PUT`, in the header `X-HTTP-Method-Override`.
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
    "200": "What was asked for.",
    "201": "What was created.",
    "204": "Done; the body is empty.",
}
#: Where a summary ends: LaunchDarkly's are a few words.
_PAUSE: Final = re.compile(r"[.;:]\s|\.$|\n")


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` give the whole document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        summary=app.summary,
        description=_ABOUT,
        version=app.version,
        routes=app.routes,
        tags=[{"name": name, "description": description} for name, description in _TAGS],
    )
    for operation in _operations(document):
        _name(operation)
    document["paths"] |= beside_fastapi.paths()
    for path, path_item in document["paths"].items():
        for operation in path_item.values():
            _order_parameters(path, operation)
    operations = list(_operations(document))
    for operation in operations:
        _complete(operation)
    _complete_schemas(document, operations)
    document["components"]["securitySchemes"] = {
        "ApiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "An access token.",
        }
    }
    document["security"] = [{"ApiKey": []}]
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path_item in document["paths"].values():
        yield from path_item.values()


def _name(operation: dict[str, Any]) -> None:
    """Take the summary from the handler's docstring; FastAPI's is the handler's name."""
    text = operation.get("description", "").replace("``", "`")
    operation["description"] = text
    operation["summary"] = _PAUSE.split(text, maxsplit=1)[0]


def _order_parameters(path: str, operation: dict[str, Any]) -> None:
    """Put those of the path first, as they stand in it: generators make arguments of them."""
    if "parameters" in operation:
        operation["parameters"].sort(
            key=lambda one: path.index(f"{{{one['name']}}}") if one["in"] == "path" else len(path)
        )


def _complete(operation: dict[str, Any]) -> None:
    operation_id: str = operation["operationId"]
    if "parameters" in operation:
        operation["parameters"] = [described(operation_id, one) for one in operation["parameters"]]
    body = body_of(operation_id)
    if body is not None:
        operation["requestBody"] = _copy(body)
    responses = {
        status: answer
        for status, answer in (operation["responses"] | answers_of(operation_id)).items()
        if status != "422"  # FastAPI's; validation answers 400 here
    }
    operation["responses"] = _copy(refusals_of(operation_id) | responses)
    for status, answer in operation["responses"].items():
        if answer["description"] == "Successful Response":
            answer["description"] = _DESCRIPTIONS.get(status, "Accepted.")
    _add_examples(operation)


def _add_examples(operation: dict[str, Any]) -> None:
    examples = examples_of(operation["operationId"])
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        if media_type in examples.bodies:
            media["examples"] = _named(examples.bodies[media_type])
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).values()
        shown = [one for one in content if one["schema"].get("format") != "binary"]
        for media in shown[:1]:
            if int(status) in examples.answers:
                media["examples"] = _named(examples.answers[int(status)])
        for name, header in answer.get("headers", {}).items():
            if name in examples.headers:
                header["example"] = examples.headers[name]


def _named(examples: Any) -> dict[str, Any]:  # noqa: ANN401 - values by name
    return {name: {"value": _copy(value)} for name, value in examples.items()}


def _complete_schemas(document: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= patch_schemas() | beside_fastapi.schemas() | {"Error": error_schema()}
    schemas |= _copy(body_schemas())
    asked = reachable([one.get("requestBody") for one in operations], schemas)
    answered = reachable([one["responses"] for one in operations], schemas)
    tidy(schemas, answered - asked)
    for name in schemas.keys() - asked - answered:
        del schemas[name]  # FastAPI's own error, and what only instructions are made of


def _copy(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """A part of the document that can be changed; the tables must stay as they are."""
    if isinstance(part, dict):
        return {name: _copy(inside) for name, inside in part.items()}
    if isinstance(part, list | tuple):
        return [_copy(inside) for inside in part]
    return part
