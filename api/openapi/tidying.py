"""Makes FastAPI's schemas describe exactly what is on the wire."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_REFERENCE: Final = "#/components/schemas/"
_EXAMPLES: Final = frozenset({"example", "examples"})
_NULL: Final = {"type": "null"}
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def tidy(schemas: dict[str, Any], answered: set[str]) -> None:
    """Change schemas in place to describe what is sent.

    In an answer a field with a default is always present, unless the default is null: then it
    is left out, and never null.

    Args:
        schemas: by name.
        answered: names of those that only answers use.
    """
    for name, schema in schemas.items():
        _clean_texts(schema)
        _simplify(schema)
        if name in answered:
            _require_sent_fields(schema)


def find_reachable(part: Any, schemas: Mapping[str, Any]) -> set[str]:  # noqa: ANN401 - any JSON
    """Find the names of the schemas that a part of the document refers to, directly or not."""
    found: set[str] = set()
    waiting = list(find_references(part))
    while waiting:
        name = waiting.pop().rpartition("/")[2]
        if name not in found and name in schemas:
            found.add(name)
            waiting.extend(find_references(schemas[name]))
    return found


def find_references(part: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Find every reference inside a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for name, inside in part.items():
            if name not in _EXAMPLES:
                yield from find_references(inside)
    elif isinstance(part, list):
        for inside in part:
            yield from find_references(inside)


def prefix_names(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Give a document in which the names of all schemas begin with a prefix."""
    prefixed: dict[str, Any] = _prefix_references(document, prefix)
    schemas = prefixed["components"]["schemas"]
    prefixed["components"]["schemas"] = {
        f"{prefix}{name}": schema for name, schema in schemas.items()
    }
    return prefixed


def remove_null(schema: dict[str, Any]) -> None:
    """Leave null out of the choices that a schema has, if it is one of them."""
    if _NULL not in schema.get("anyOf", ()):
        return
    choices = [choice for choice in schema.pop("anyOf") if choice != _NULL]
    schema.update(choices[0] if len(choices) == 1 else {"anyOf": choices})


def _prefix_references(part: Any, prefix: str) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        return [_prefix_references(inside, prefix) for inside in part]
    if isinstance(part, str) and part.startswith(_REFERENCE):
        return f"{_REFERENCE}{prefix}{part.removeprefix(_REFERENCE)}"
    if not isinstance(part, dict):
        return part
    return {
        name: inside if name in _EXAMPLES else _prefix_references(inside, prefix)
        for name, inside in part.items()
    }


def _clean_texts(schema: Any) -> None:  # noqa: ANN401 - any JSON
    """Remove the titles that pydantic makes of names; make double backticks single."""
    if isinstance(schema, list):
        for inside in schema:
            _clean_texts(inside)
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        if isinstance(schema.get("description"), str):
            schema["description"] = schema["description"].replace("``", "`")
        for inside in schema.values():
            _clean_texts(inside)


def _simplify(schema: Any) -> None:  # noqa: ANN401 - any JSON
    """Leave only what client generators understand: integer bounds, no object as a default.

    FastAPI makes ``100000.0`` of a bound, and Go's generator copies an object into its code
    unchanged; the fields of such an object have the same defaults themselves.
    """
    if isinstance(schema, list):
        for inside in schema:
            _simplify(inside)
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            for bound in _BOUNDS & schema.keys():
                schema[bound] = int(schema[bound])
        if "$ref" in schema and isinstance(schema.get("default"), dict):
            del schema["default"]
        for inside in schema.values():
            _simplify(inside)


def _require_sent_fields(schema: dict[str, Any]) -> None:
    properties: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    for name, field in properties.items():
        if name in required:
            continue
        if field.pop("default", None) is not None:
            required.add(name)
        else:
            remove_null(field)
    if required:
        schema["required"] = [name for name in properties if name in required]
