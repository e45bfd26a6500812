"""The OpenAPI document is complete, and its examples are true; says what is missing where."""

import copy

import pytest
import schemathesis

from api.launchdarkly.openapi.document import recorded_examples
from api.launchdarkly.openapi.tidying import references
from api.launchdarkly.operations import JSON, SEMANTIC_PATCH
from api.launchdarkly.segments.instructions.applying import TABLE
from api.launchdarkly.segments.patch_result import apply_patch
from tests.support.documents.openapi import (
    FIRST_REFUSAL,
    closed,
    document,
    faults,
    media_of,
    operations,
)
from tests.support.segments.segments import NO_OTHERS, Ids

_HOW = "tests/support/documents/recording.py"
#: Made while tests are collected: there is one test an operation.
_SERVED = document()
_STRICT = closed(_SERVED)
_BY_NAME = {one["operationId"]: one for one in operations(_SERVED)}
_STRICT_BY_NAME = {one["operationId"]: one for one in operations(_STRICT)}
_EXAMPLES = recorded_examples()
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
        "patchExpiringTargetsForSegment",
        "patchExpiringUserTargetsForSegment",
        "resetToken",
    )
}
#: What any token may ask; of projects it sees those in its scope.
_FOR_EVERY_TOKEN = {"getCallerIdentity", "getMetrics", "getProjects"}
OPERATIONS = pytest.mark.parametrize("name", sorted(_BY_NAME))


def test_document__as_a_whole__is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(copy.deepcopy(_SERVED)).validate()

    assert _SERVED["openapi"].startswith("3.1")
    assert _SERVED["components"]["securitySchemes"]["ApiKey"]["name"] == "Authorization"
    assert {tag for one in operations(_SERVED) for tag in one["tags"]} <= {
        tag["name"] for tag in _SERVED["tags"]
    }, "a tag without a description: openapi/document.py"


def test_document__every_reference__leads_to_a_schema_and_every_schema_is_used() -> None:
    used = {one.rpartition("/")[2] for one in references(_SERVED)}

    assert used == set(_SERVED["components"]["schemas"])


def test_document__every_operation__has_an_id_of_its_own() -> None:
    assert len(_BY_NAME) == len(list(operations(_SERVED)))


@OPERATIONS
def test_operation__says_what_it_is_and_who_may_call(name: str) -> None:
    operation = _BY_NAME[name]

    assert operation["summary"], f"{name}: its handler has no docstring"
    assert operation["description"], f"{name}: its handler has no docstring"
    if operation.get("security", _SERVED["security"]):
        assert operation["responses"].keys() >= {"401", "429", "500", "503"}
        assert ("403" in operation["responses"]) is (name not in _FOR_EVERY_TOKEN)
    assert any(status < "300" for status in operation["responses"])


@OPERATIONS
def test_operation__every_parameter__has_a_meaning_and_a_true_example(name: str) -> None:
    for parameter in _STRICT_BY_NAME[name].get("parameters", ()):
        what = f"{name}: {parameter['name']}"
        assert parameter.get("description"), f"{what}: describe it at the handler"
        assert "example" in parameter, f"{what}: send it in {_HOW}"
        assert faults(parameter["example"], parameter["schema"], _STRICT) == [], what


@OPERATIONS
def test_operation__every_body_and_answer__has_true_examples(name: str) -> None:
    for where, media in media_of(_STRICT_BY_NAME[name]):
        if where in _BINARY or (name, where) in _RACES:
            continue
        examples = media.get("examples")
        assert examples, f"{name}: {where} has no example: record one in {_HOW}"
        for example, value in examples.items():
            found = faults(value["value"], media["schema"], _STRICT)
            assert found == [], f"{name}: {where}: {example}: {found}"


@OPERATIONS
def test_operation__every_refusal__is_in_the_documented_shape(name: str) -> None:
    for status, answer in _BY_NAME[name]["responses"].items():
        if int(status) >= FIRST_REFUSAL and name != "getReadiness":
            schema = answer["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}
        assert status != "422" or "Idempotency-Key" in _parameters(name)


def _parameters(name: str) -> set[str]:
    return {one["name"] for one in _BY_NAME[name].get("parameters", ())}


def test_instructions__every_kind__has_an_example() -> None:
    assert {one["kind"] for one in _INSTRUCTIONS} == set(TABLE)


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
