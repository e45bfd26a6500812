"""What generators of clients stumble over is not in the OpenAPI document; says what to write."""

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.support.documents.openapi import Document, bounded, faults, operations

_WIDTHS: Final = {"int32": 2**31 - 1, "int64": 2**63 - 1}
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
#: What holds Unix milliseconds, by its name in a schema or as a parameter or header.
_TIMES: Final = re.compile(
    r"(Date|Time|Ms|Reset|[lL]astModified|lastUsed|^timestamp|[a-z]At|^expiry|^date|^before|^after)$"
)


def test_integer__anywhere__says_its_width(served: Document) -> None:
    bare = [where for where, schema in _integers(served) if schema.get("format") not in _WIDTHS]

    assert not bare, (
        "generated clients take an integer without a format for 32 bits. In a model or a query "
        "parameter, write Int32 or Int64 of api/bodies/models.py in place of int; in a "
        'schema written by hand, add "format": "int64" for times, sizes, rows and whatever else '
        f"may pass 2**31 - 1. Missing at: {bare}"
    )


def test_integer__with_bounds__fits_its_width_and_has_whole_ones(served: Document) -> None:
    wrong = [
        f"{where}: {bound} {schema[bound]!r} in {schema['format']}"
        for where, schema in _integers(served)
        for bound in _BOUNDS
        if bound in schema
        and (type(schema[bound]) is not int or abs(schema[bound]) > _WIDTHS[schema["format"]])
    ]

    assert not wrong


def test_integer__named_like_a_time__is_wide_enough_for_milliseconds(served: Document) -> None:
    times = {
        where: schema["format"]
        for where, schema in _integers(served)
        if _TIMES.search(_name_at(where))
    }

    assert len(times) > 20
    assert {where for where, width in times.items() if width != "int64"} == set()


def test_bounded__value_over_its_width__is_a_fault(served: Document) -> None:
    narrow = bounded({"type": "integer", "format": "int32"})

    assert faults(2**31 - 1, narrow, served) == []
    assert faults(2**31, narrow, served)
    assert bounded({"type": "integer", "format": "int32", "maximum": 9})["maximum"] == 9


def test_constant__anywhere__is_a_text(served: Document) -> None:
    wrong = [
        where for where, schema in _schemas(served) if not isinstance(schema.get("const", ""), str)
    ]

    assert not wrong, f"openapi-python-client takes no const but a text or a number: {wrong}"


def test_array__anywhere__says_what_is_in_it(served: Document) -> None:
    bare = [
        where
        for where, schema in _schemas(served)
        if schema.get("type") == "array" and "items" not in schema
    ]

    assert not bare, f"openapi-python-client takes no array without items: {bare}"


def test_default__anywhere__is_no_object(served: Document) -> None:
    wrong = [where for where, schema in _schemas(served) if isinstance(schema.get("default"), dict)]

    assert not wrong, f"openapi-generator's Go does not compile with such a default: {wrong}"


def test_body__of_every_operation__has_one_type(served: Document) -> None:
    several = {
        operation["operationId"]: list(operation["requestBody"]["content"])
        for operation in operations(served)
        if len(operation.get("requestBody", {"content": {}})["content"]) > 1
    }

    # Generators take the first type and know nothing of the others.
    assert several == {
        "patchSegment": [
            "application/json",
            "application/json; domain-model=launchdarkly.semanticpatch",
        ],
        "createFlagSegmentListImport": ["application/json", "multipart/form-data"],
    }


def test_parameters__of_every_path__stand_as_in_the_path(served: Document) -> None:
    assert served["paths"]
    for path, item in served["paths"].items():
        for operation in item.values():
            names = [
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "path"
            ]

            assert [f"{{{name}}}" for name in names] == re.findall(r"\{\w+\}", path), path


def _integers(served: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, schema in _schemas(served):
        kinds = schema.get("type", ())
        if kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds):
            yield where, schema


def _schemas(served: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document that may be a schema, and where it is; no examples."""
    yield from _inside("", copy.deepcopy(served))


def _inside(where: str, part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, list):
        for index, inside in enumerate(part):
            named = inside.get("name", index) if isinstance(inside, dict) else index
            yield from _inside(f"{where}/{named}", inside)
    if isinstance(part, dict):
        yield where, part
        for name, inside in part.items():
            if name not in {"example", "examples"}:
                yield from _inside(f"{where}/{name}", inside)


def _name_at(where: str) -> str:
    """The name of the field, parameter or header whose schema is there."""
    structure = {"schema", "anyOf", "items", "properties", "additionalProperties"}
    parts = [part for part in where.split("/") if part not in structure and not part.isdigit()]
    return parts[-1]
