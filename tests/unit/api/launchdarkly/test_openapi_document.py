"""The OpenAPI document is complete, and its examples are true; says what is missing where."""

import copy
from typing import Any

import pytest
import schemathesis

from api.http.refusals import _CODES
from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.instructions import INSTRUCTIONS
from api.launchdarkly.openapi.examples.segments import BIG, EXAMPLES, STANDARD
from api.launchdarkly.openapi.refusals import ALL, is_listed
from api.launchdarkly.openapi.tidying import references
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

_TABLES = "api/launchdarkly/documents"
#: Made while tests are collected: there is one test an operation.
_SERVED = document()
_STRICT = closed(_SERVED)
_BY_NAME = {one["operationId"]: one for one in operations(_SERVED)}
_STRICT_BY_NAME = {one["operationId"]: one for one in operations(_STRICT)}
#: No example can be written down.
_BINARY = {f"{status} application/vnd.apache.parquet" for status in (200, 206)}
OPERATIONS = pytest.mark.parametrize("name", sorted(_BY_NAME))


def test_document__as_a_whole__is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(copy.deepcopy(_SERVED)).validate()

    assert _SERVED["openapi"].startswith("3.1")
    assert _SERVED["components"]["securitySchemes"]["ApiKey"]["name"] == "Authorization"
    assert {tag for one in operations(_SERVED) for tag in one["tags"]} <= {
        tag["name"] for tag in _SERVED["tags"]
    }, "a tag without a description: documents/assembling.py"


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
        assert operation["responses"].keys() >= {"401", "429", "500"}
        # Who one is, every token may know.
        assert ("403" in operation["responses"]) is (name != "getCallerIdentity")
    assert is_listed(name), f"{name}: say which refusals it has, in {_TABLES}/refusals.py"
    assert any(status < "300" for status in operation["responses"])


@OPERATIONS
def test_operation__every_parameter__has_a_meaning_and_a_true_example(name: str) -> None:
    for parameter in _STRICT_BY_NAME[name].get("parameters", ()):
        what = f"{name}: {parameter['name']}"
        assert parameter.get("description"), f"{what}: describe it in {_TABLES}/parameters.py"
        assert faults(parameter["example"], parameter["schema"], _STRICT) == [], what


@OPERATIONS
def test_operation__every_body_and_answer__has_true_examples(name: str) -> None:
    for where, media in media_of(_STRICT_BY_NAME[name]):
        if where in _BINARY:
            continue
        examples = media.get("examples")
        assert examples, f"{name}: {where} has no example: write one in {_TABLES}/examples"
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


def test_refusals__every_code_of_the_api__is_in_the_table() -> None:
    documented = {(one.status, one.code) for one in ALL}

    assert {(kind.status, code) for kind, code in _CODES.items()} <= documented


def test_instructions__every_kind__has_an_example() -> None:
    assert sorted(one["kind"] for one in INSTRUCTIONS) == sorted(TABLE)


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda one: str(one["kind"]))
def test_instruction__of_the_examples__applies_to_the_segment_of_the_examples(
    instruction: dict[str, Any],
) -> None:
    shown = BIG if TABLE[instruction["kind"]].segments == "big" else STANDARD
    body = {"environmentKey": names.ENVIRONMENT, "instructions": [instruction]}

    assert _applied(shown, body, "application/json; domain-model=launchdarkly.semanticpatch")


@pytest.mark.parametrize(
    ("media_type", "name"),
    [(kind, name) for kind, some in EXAMPLES["patchSegment"].bodies.items() for name in some],
)
def test_patch__of_the_examples__applies_to_a_segment_of_the_examples(
    media_type: str, name: str
) -> None:
    body = EXAMPLES["patchSegment"].bodies[media_type][name]
    shown = BIG if "BigSegment" in name else STANDARD

    assert _applied(shown, body, media_type)


def _applied(shown: dict[str, Any], body: object, media_type: str) -> object:
    """Raises if it cannot be applied."""
    return apply_patch(
        shown,
        copy.deepcopy(body),
        media_type,
        environment=names.ENVIRONMENT,
        ids=Ids(),
        others=NO_OTHERS,
    )
