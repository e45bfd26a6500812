"""One operation of the OpenAPI document, completed by what its handler declares and examples."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi.routing import APIRoute

from api.access.auth import Role
from api.access.permissions import need_of
from api.openapi.contribution import Contribution, Json
from api.openapi.refusals import describe_refusals
from api.openapi.tidying import remove_null
from api.rest.operations import NO_TOKEN

_DESCRIPTIONS: Final = {
    "200": "The result.",
    "201": "The created resource.",
    "202": "Accepted.",
    "204": "Done; the response has no body.",
}
#: Where a summary ends: it is a few words.
_PAUSE: Final = re.compile(r"[.;:]\s|\.$|\n")


def operations_of(document: Json) -> Iterator[Json]:
    """Give every operation of a document."""
    for path_item in document["paths"].values():
        yield from path_item.values()


def complete_operation(operation: Json, route: APIRoute, contribution: Contribution) -> None:
    """Complete an operation by its texts, refusals and security.

    Args:
        operation: as FastAPI describes it.
        route: of the operation.
        contribution: of its dialect.
    """
    text = operation.get("description", "").replace("``", "`")
    operation["description"] = text
    operation["summary"] = _PAUSE.split(text, maxsplit=1)[0]
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"].items()
        parameter["schema"] = {
            part: value for part, value in schema if part not in {"title", "description"}
        }
        remove_null(parameter["schema"])
    _order_parameters(operation, route.path)
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's; validation answers 400 here
    for status, answer in responses.items():
        if answer["description"] in {"Successful Response", ""}:
            answer["description"] = _DESCRIPTIONS[status]
    refusals = describe_refusals(route, operation, contribution.project_parameter)
    operation["responses"] = refusals | responses
    need = need_of(route)
    if need == NO_TOKEN:
        operation["security"] = []
    elif need is not None and need.role is Role.SDK_KEY:
        operation["security"] = requirement(contribution.sdk_security)


def authenticate(
    part: Json, contribution: Contribution, *, default: Mapping[str, Mapping[str, Any]]
) -> None:
    """Say in each operation how callers authenticate, where it is not as everywhere."""
    if contribution.security == default:
        return
    for operation in operations_of(part):
        operation.setdefault("security", requirement(contribution.security))


def requirement(schemes: Mapping[str, Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    """Say that callers authenticate by these schemes."""
    return [{name: [] for name in schemes}]


def add_examples(operation: Json, recorded: Json) -> None:
    """Add what was recorded to parameters, bodies and answers.

    Args:
        operation: of the document.
        recorded: by operation id; ``refusals`` holds those of any operation.
    """
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


def _order_parameters(operation: Json, path: str) -> None:
    """Put those of the path first, in its order: generators make arguments of them."""
    operation.get("parameters", []).sort(
        key=lambda parameter: (
            path.index(f"{{{parameter['name']}") if parameter["in"] == "path" else len(path)
        )
    )


def _named(values: Json) -> Json:
    return {name: {"value": value} for name, value in values.items()}
