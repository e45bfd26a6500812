"""The OpenAPI document without a server, and its schemas made stricter than they are served."""

import copy
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator
from pydantic import SecretStr

from api.http.dialects import DialectApplications
from api.http.front import Front
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.main import build_app
from api.openapi.tidying import find_reachable
from api.settings import ApiSettings

Document = dict[str, Any]
FIRST_REFUSAL: Final = 400


def document() -> Document:
    """Give the document as it is served."""
    front = build_app(ApiSettings(admin_token=SecretStr("unused")))
    assert isinstance(front, Front)
    assert isinstance(front._rest, DialectApplications)
    application = front._rest.applications[LAUNCHDARKLY]
    assert isinstance(application, FastAPI)
    return application.openapi()


def closed(served: Document) -> Document:
    """Give the document with answers that may hold only what they declare.

    As served they are open, so that a client need not change when a field is added; here
    a field that nobody declared has to be found. Integers keep to their width.
    """
    strict: Document = bounded(served)
    schemas = strict["components"]["schemas"]
    answers = [one["responses"] for one in operations(strict)]
    for name in find_reachable(answers, schemas):
        _close(schemas[name])
    return strict


def bounded(part: Any) -> Any:
    """Give a part of the document in which an ``int32`` is one: validators ignore formats."""
    if isinstance(part, list):
        return [bounded(inside) for inside in part]
    if not isinstance(part, dict):
        return copy.copy(part)
    found = {name: bounded(inside) for name, inside in part.items()}
    if found.get("format") == "int32":
        return {"minimum": -(2**31), "maximum": 2**31 - 1} | found
    return found


def operations(served: Document) -> Iterator[dict[str, Any]]:
    """Give every operation."""
    for path_item in served["paths"].values():
        yield from path_item.values()


def media_of(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each body and answer of an operation, and where it is."""
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body {media_type}", media
    for status, answer in operation["responses"].items():
        for media_type, media in answer.get("content", {}).items():
            yield f"{status} {media_type}", media


def faults(value: object, schema: dict[str, Any], served: Document) -> list[str]:
    """Say what is wrong with a value; schemas are found in the document."""
    schemas = served["components"]["schemas"]
    # Not all: a validator is made of every schema that it is given.
    reached = {name: schemas[name] for name in find_reachable(schema, schemas)}
    whole = {**schema, "components": {"schemas": reached}}
    found = Draft202012Validator(whole).iter_errors(value)
    return [f"{one.instance_path}: {one.message}" for one in found]


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for inside in schema:
            _close(inside)
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for inside in schema.values():
            _close(inside)
