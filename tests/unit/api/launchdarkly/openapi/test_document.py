"""The OpenAPI document is complete, and its examples are true; says what is missing where."""

import copy
from typing import Any

import pytest
import schemathesis

from api.launchdarkly.openapi.document import read_examples
from api.openapi.tidying import find_references
from api.launchdarkly.operations import SEMANTIC_PATCH
from api.launchdarkly.segments.apply_patch import apply_patch
from api.launchdarkly.segments.instructions.applying import TABLE
from api.rest.operations import JSON
from tests.support.documents.openapi import (
    FIRST_REFUSAL,
    Document,
    faults,
    media_of,
    operations,
)
from tests.support.documents.recording import REFUSALS
from tests.support.segments.segments import NO_OTHERS, Ids

_HOW = "tests/support/documents/recording.py"
_EXAMPLES = read_examples()
_PATCHES = _EXAMPLES["patchSegment"]["bodies"]
_STANDARD, _BIG = (
    _EXAMPLES["getSegment"]["answers"]["200"][name] for name in ("standard segment", "big segment")
)
_INSTRUCTIONS = [
    instruction
    for patch in _PATCHES[SEMANTIC_PATCH].values()
    for instruction in patch["instructions"]
]
#: No example can be written down.
_BINARY = {f"{status} application/vnd.apache.parquet" for status in (200, 206)}
#: Refusals that need others to be faster at the same moment: they cannot be recorded.
_RACES = {
    (name, f"409 {JSON}")
    for name in (
        "createBigSegmentExport",
        "getBigSegmentImports",
        "patchExpiringTargetsForSegment",
        "patchExpiringUserTargetsForSegment",
        "resetToken",
    )
}
#: What any token may ask; of projects it sees those in its scope.
_FOR_EVERY_TOKEN = {"getCallerIdentity", "getMetrics", "getProjects"}
#: Every operation has examples; the document itself is not made while tests are collected.
_NAMES = sorted(_EXAMPLES.keys() - {REFUSALS})
OPERATIONS = pytest.mark.parametrize("name", _NAMES)

Operations = dict[str, dict[str, Any]]


def test_document__as_a_whole__is_valid_openapi(served: Document) -> None:
    schemathesis.openapi.from_dict(copy.deepcopy(served)).validate()

    assert served["openapi"].startswith("3.1")
    assert served["components"]["securitySchemes"]["ApiKey"]["name"] == "Authorization"
    assert {tag for operation in operations(served) for tag in operation["tags"]} <= {
        tag["name"] for tag in served["tags"]
    }, "a tag without a description: openapi/document.py"


def test_document__every_reference__leads_to_a_schema_and_every_schema_is_used(
    served: Document,
) -> None:
    used = {reference.rpartition("/")[2] for reference in find_references(served)}

    assert used == set(served["components"]["schemas"])


def test_document__every_operation__has_an_id_of_its_own_and_examples(
    served: Document, by_name: Operations
) -> None:
    assert len(by_name) == len(list(operations(served)))
    assert sorted(by_name) == _NAMES


@OPERATIONS
def test_operation__says_what_it_is_and_who_may_call(
    name: str, served: Document, by_name: Operations
) -> None:
    operation = by_name[name]

    assert operation["summary"], f"{name}: its handler has no docstring"
    assert operation["description"], f"{name}: its handler has no docstring"
    if operation.get("security", served["security"]):
        assert operation["responses"].keys() >= {"401", "429", "500", "503"}
        assert ("403" in operation["responses"]) is (name not in _FOR_EVERY_TOKEN)
    assert any(status < "300" for status in operation["responses"])


@OPERATIONS
def test_operation__every_parameter__has_a_meaning_and_a_true_example(
    name: str, strict: Document, strict_by_name: Operations
) -> None:
    for parameter in strict_by_name[name].get("parameters", ()):
        what = f"{name}: {parameter['name']}"
        assert parameter.get("description"), f"{what}: describe it at the handler"
        assert "example" in parameter, f"{what}: send it in {_HOW}"
        assert faults(parameter["example"], parameter["schema"], strict) == [], what


@OPERATIONS
def test_operation__every_body_and_answer__has_true_examples(
    name: str, strict: Document, strict_by_name: Operations
) -> None:
    for where, media in media_of(strict_by_name[name]):
        if where in _BINARY or (name, where) in _RACES:
            continue
        examples = media.get("examples")
        assert examples, f"{name}: {where} has no example: record one in {_HOW}"
        for example, value in examples.items():
            found = faults(value["value"], media["schema"], strict)
            assert found == [], f"{name}: {where}: {example}: {found}"


@OPERATIONS
def test_operation__every_refusal__is_in_the_documented_shape(
    name: str, by_name: Operations
) -> None:
    operation = by_name[name]
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    for status, answer in operation["responses"].items():
        if int(status) >= FIRST_REFUSAL and name != "getReadiness":
            schema = answer["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}
        assert status != "422" or "Idempotency-Key" in parameters


def test_instructions__every_kind__has_an_example() -> None:
    assert {instruction["kind"] for instruction in _INSTRUCTIONS} == set(TABLE)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [(media_type, name) for media_type, named in _PATCHES.items() for name in named],
)
def test_patch__of_the_examples__applies_to_a_segment_of_the_examples(
    media_type: str, name: str
) -> None:
    assert {*_PATCHES} == {JSON, SEMANTIC_PATCH}

    # Raises if it cannot be applied.
    apply_patch(
        _BIG if "BigSegment" in name else _STANDARD,
        copy.deepcopy(_PATCHES[media_type][name]),
        media_type,
        environment="production",
        ids=Ids(),
        others=NO_OTHERS,
    )
