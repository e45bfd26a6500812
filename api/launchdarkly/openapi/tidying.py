"""Making FastAPI's schemas say what is on the wire."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NULL: Final = {"type": "null"}
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def tidy(schemas: dict[str, Any], answered: set[str]) -> None:
    """Change schemas in place so that they fit what is sent.

    In an answer a field with a default is always there, unless the default is null: then it
    is left out, and never null.

    Args:
        schemas: by name.
        answered: those that only answers use.
    """
    for name, schema in schemas.items():
        _reworded(schema)
        _made_plain(schema)
        if name in answered:
            _as_sent(schema)


def find_reachable(part: Any, schemas: Mapping[str, Any]) -> set[str]:  # noqa: ANN401 - any JSON
    """Names of the schemas that a part of the document leads to."""
    found: set[str] = set()
    waiting = list(find_references(part))
    while waiting:
        name = waiting.pop().rpartition("/")[2]
        if name not in found and name in schemas:
            found.add(name)
            waiting.extend(find_references(schemas[name]))
    return found


def find_references(part: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Every reference inside a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for name, inside in part.items():
            if name not in {"example", "examples"}:
                yield from find_references(inside)
    elif isinstance(part, list):
        for inside in part:
            yield from find_references(inside)


def _reworded(schema: Any) -> None:  # noqa: ANN401 - any JSON
    """Take away the titles that pydantic makes of names, and a docstring's double quotes."""
    if isinstance(schema, list):
        for inside in schema:
            _reworded(inside)
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        if isinstance(schema.get("description"), str):
            schema["description"] = schema["description"].replace("``", "`")
        for inside in schema.values():
            _reworded(inside)


def _made_plain(schema: Any) -> None:  # noqa: ANN401 - any JSON
    """Write what generators of clients take: whole bounds of integers, no object as a default.

    FastAPI makes ``100000.0`` of a bound, and Go's generator writes an object into the code as
    it stands; the fields of such an object have the same defaults themselves.
    """
    if isinstance(schema, list):
        for inside in schema:
            _made_plain(inside)
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            for bound in _BOUNDS & schema.keys():
                schema[bound] = int(schema[bound])
        if "$ref" in schema and isinstance(schema.get("default"), dict):
            del schema["default"]
        for inside in schema.values():
            _made_plain(inside)


def _as_sent(schema: dict[str, Any]) -> None:
    properties: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    for name, field in properties.items():
        if name in required:
            continue
        if field.pop("default", None) is not None:
            required.add(name)
        elif _NULL in field.get("anyOf", ()):
            _take_null_away(field)
    if required:
        schema["required"] = [name for name in properties if name in required]


def _take_null_away(field: dict[str, Any]) -> None:
    choices = [one for one in field.pop("anyOf") if one != _NULL]
    field.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
